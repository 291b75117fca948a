"""Planning of a conversion: what is asked, what each file gives, and the steps in which they are read."""

import itertools
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.remote import InputFile
from hepad.formats.generic import GENERIC, generic_preset
from hepad.formats.high_level import HIGH_LEVEL
from hepad.formats.opening import open_source
from hepad.formats.preset import Preset
from hepad.formats.recognising import open_recognised
from hepad.formats.resolving import LEAVE_OUT, OnMissing, Plan, resolve
from hepad.formats.source import Source, step_edges

_LUMI_COLUMNS: Final = ("run", "luminosityBlock")
_ROWS: Final = "rows."
_STEP_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class Request:
    """Wishes of a user about a conversion.

    Attributes:
        format: a preset or the YAML file of one; None to recognise it.
        sample: name of the sample.
        limit: at most this many events.
        select: which events are taken, an expression.
        lumi_mask: JSON file of certified sections.
        on_missing: `leave_out`, `refuse`, or a number.
        slots: of each set of objects; None for the preset's.
        high_level: features of the objects to add (`hepad.formats.high_level`).
        label: an expression or a number for the data set `label`; None for the preset's.
        labels: a text file with a number for each row, such as a black box's `.masterkey`; not 0 is signal.
        weight: an expression for the data set `weight`; None for the preset's.
        tree: of a ROOT file; None for the preset's.
        chunk: events of a part, at most; fewer where they are large.
        workers: processes that read.
        direct: the file is read in place of its sources: nothing is refused that a run would tell better, and its bytes
            depend on the sources alone.
        parts: what each file is for, 0 to train, 1 to validate, 2 to test; None where the split is drawn.

    >>> from hepad.formats import Request
    >>> Request(select="any(Jet_pt > 500)", on_missing=-1).chunk
    50000
    """

    format: str | None = None
    sample: str = "sample"
    limit: int | None = None
    select: str | None = None
    lumi_mask: str | None = None
    on_missing: OnMissing = LEAVE_OUT
    slots: int | None = None
    high_level: tuple[str, ...] = ()
    label: str | None = None
    labels: str | None = None
    weight: str | None = None
    tree: str | None = None
    chunk: int = 50_000
    workers: int = 1
    direct: bool = False
    parts: tuple[int, ...] | None = None

    def seen_from_anywhere(self) -> "Request":
        """Return the request with absolute paths, for workers that started in another directory."""
        lumi_mask = None if self.lumi_mask is None else str(Path(self.lumi_mask).expanduser().absolute())
        is_file = self.format is not None and Path(self.format).expanduser().is_file()
        return replace(
            self,
            lumi_mask=lumi_mask,
            format=str(Path(self.format).expanduser().absolute()) if self.format and is_file else self.format,
        )


@dataclass(frozen=True)
class Step:
    """Rows of a file that are read at once."""

    plan: Plan
    path: InputFile
    start: int
    stop: int


class OpenFile:
    """The file that was read last, held open until another one is.

    Args:
        request: of the conversion.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self._stack = ExitStack()
        self._opened: dict[InputFile, Source] = {}

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def hold(self, path: InputFile, source: Source) -> Source:
        """Hold a file, and close the one before."""
        self._stack.close()
        self._opened = {path: self._stack.enter_context(source)}
        return source

    def of(self, step: Step) -> Source:
        """Return the file of a step."""
        found = self._opened.get(step.path)
        return self.hold(step.path, open_planned(step.path, step.plan, self.request)) if found is None else found


def plan_steps(files: Sequence[InputFile], request: Request, opened: OpenFile | None = None) -> list[Step]:
    """Return the steps in which files are read, in their order.

    Args:
        files: of one format.
        request: how.
        opened: keeps the file open where there is one alone: opening NanoAOD takes as long as reading a tenth of it.

    Raises:
        UserError: a file that cannot be read, of no known format, or with other columns than the others.
    """
    found: list[tuple[InputFile, Plan, list[int]]] = []
    left = request.limit
    for path in files:
        source, preset = _opened(path, request)
        with ExitStack() as stack:
            if opened is None or len(files) > 1:
                stack.enter_context(source)
            else:
                opened.hold(path, source)
            preset = preset or generic_preset(source)
            if preset is None:
                raise UserError(_unknown(source))
            asked = (request.label, request.weight, *(_LUMI_COLUMNS if request.lumi_mask is not None else ()))
            extra = tuple(text for text in asked if text is not None)
            plan = resolve(adapted(preset, request), source, request.on_missing, request.select, extra)
            if not plan.sources:
                raise UserError(f"format {plan.preset.name} names no column of {path}")
            n_rows = source.n_rows(plan.sources)
            n_rows = n_rows if left is None else min(left, n_rows)
            left = None if left is None else left - n_rows
            chunk = min(request.chunk, _rows_that_fit(source, plan.sources))
            edges = step_edges(n_rows, chunk, source.boundaries(plan.sources)) if n_rows else []
            found.append((path, plan, edges))
    rows = dict.fromkeys(place for _, plan, _ in found for place in plan.chosen if place.startswith(_ROWS))
    if isinstance(request.on_missing, int | float):
        found = [(path, _with_rows(plan, list(rows), float(request.on_missing)), edges) for path, plan, edges in found]
    for path, plan, _ in found[1:]:
        _check_alike(found[0][1], plan, found[0][0], path)
    return [Step(plan, path, *edge) for path, plan, edges in found for edge in itertools.pairwise(edges)]


def _rows_that_fit(source: Source, columns: Sequence[str]) -> int:
    """Return how many rows are read at once at most, where they are large, as showers and events of particles are."""
    shapes = [source.columns[name].shape or () for name in columns]
    return max(1, _STEP_BYTES // (8 * sum(math.prod(shape) for shape in shapes)))


def _opened(path: InputFile, request: Request) -> tuple[Source, Preset | None]:
    if request.format == GENERIC:
        return open_source(path, tree=request.tree), None
    return open_recognised(path, request.format, request.tree)


def open_planned(path: InputFile, plan: Plan, request: Request) -> Source:
    """Open a file of a plan again."""
    if plan.preset.name == GENERIC:
        return open_source(path, tree=request.tree)
    return open_recognised(path, request.format or plan.preset.name, request.tree)[0]


def _with_rows(plan: Plan, places: Sequence[str], number: float) -> Plan:
    """Return a plan with what other files have for each row: their numbers are not known here."""
    return replace(plan, chosen={**plan.chosen, **{p: repr(number) for p in places if p not in plan.chosen}})


def _unknown(source: Source) -> str:
    return (
        f"{source.path} is of no format that hepad knows ({source.kind}); `python -m hepad.inspect {source.path}` "
        "shows what it holds, and docs/data_formats.md how a YAML of its columns is written (format=FILE.yaml)"
    )


def adapted(preset: Preset, request: Request) -> Preset:
    """Return the preset with what the request says otherwise."""
    sets = preset.sets
    if request.slots is not None:
        sets = {name: replace(found, slots=request.slots) for name, found in sets.items()}
    if request.high_level:
        if unknown := [name for name in request.high_level if name not in HIGH_LEVEL]:
            raise UserError(f"high_level={unknown[0]}; allowed: {', '.join(HIGH_LEVEL)}")
        if not sets:
            raise UserError(f"high_level: {preset.title} has no objects that features are made of")
        name = next(iter(sets))
        both = dict.fromkeys((*sets[name].high_level, *request.high_level))
        sets = {**sets, name: replace(sets[name], high_level=tuple(both))}
    rows = dict(preset.rows)
    for key, given in (("label", request.label), ("weight", request.weight)):
        if given is not None:
            rows[key] = (given,)
    return replace(preset, sets=sets, rows=rows)


def _check_alike(plan: Plan, other: Plan, first: InputFile, path: InputFile) -> None:
    if other.preset.name != plan.preset.name:
        names = f"{path} is of the format {other.preset.name}, {first} of {plan.preset.name}"
        raise UserError(f"{names}; convert them apart")
    if set(other.chosen) != set(plan.chosen):
        differ = sorted({place.rpartition(".")[2] for place in set(other.chosen) ^ set(plan.chosen)})
        words = ", ".join(differ)
        raise UserError(
            f"{path} and {first} have different columns ({words}); convert them apart, or fill what is missing with "
            "on_missing=NUMBER"
        )
