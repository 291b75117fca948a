"""Conversion of files of any known format to one HDF5 file of hepad: planned, read in parts, written in order."""

import itertools
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from hepad import __version__
from hepad.core.errors import JobError, UserError
from hepad.core.hdf5 import write_hdf5
from hepad.core.progress import progress
from hepad.formats.applying import Made, apply
from hepad.formats.converted_file import ConvertedFile
from hepad.formats.generic import GENERIC, generic_preset
from hepad.formats.lumi_mask import read_lumi_mask
from hepad.formats.opening import open_source
from hepad.formats.parts import Parts, file_facts, read_part, write_part
from hepad.formats.preset import Preset
from hepad.formats.recognising import open_recognised
from hepad.formats.resolving import LEAVE_OUT, OnMissing, Plan, resolve
from hepad.formats.source import Source, step_edges
from hepad.formats.truth_file import read_labels

_LUMI_COLUMNS: Final = ("run", "luminosityBlock")


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
        chunk: events of a part.
        workers: processes that read.
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


@dataclass(frozen=True)
class Converted:
    """Result of a conversion.

    Attributes:
        preset: the format.
        entries: how many were written.
        lacking: columns of the format that the files do not have.
        counts: what happened to how many, in words; those that are 0 left out.
        found_parts: parts that an earlier conversion had left.
        title, use, of_events: of the format, the words of a training, and whether entries are events.
    """

    preset: str
    entries: int
    lacking: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    found_parts: int = 0
    title: str = ""
    use: str = ""
    of_events: bool = True


def convert_files(files: Sequence[Path], target: Path, request: Request, quiet: bool = True) -> Converted:
    """Write what files hold as one HDF5 file that `hepad.train` reads; it appears when it is whole.

    Args:
        files: of one format, in this order.
        target: the file to write.
        request: how.
        quiet: show no progress.

    Raises:
        UserError: a file that cannot be read, of no known format, or with other columns than the first.

    >>> from hepad.formats import Request
    >>> Request(format="nanoaod", sample="ttbar").on_missing
    'leave_out'
    """
    plan, steps = _planned(files, request)
    n_rows = sum(stop - start for _, start, stop in steps)
    if not n_rows:
        raise UserError(f"{', '.join(map(str, files[:3]))} holds no events")
    facts = {
        "files": list(file_facts(list(files))),
        "request": asdict(replace(request, workers=1)),
        "version": __version__,
    }
    parts = Parts(target, {**facts, "plan": repr(plan), "steps": [[str(p), a, b] for p, a, b in steps]})
    counts: Counter[str] = Counter()
    try:
        with write_hdf5(parts.whole) as file, ExitStack() as stack:
            advance = None if quiet else stack.enter_context(progress("converting", n_rows))
            out = ConvertedFile(file, plan)
            for (_, start, stop), made in zip(steps, _made(plan, steps, parts, request), strict=True):
                out.add(made.arrays)
                counts.update(made.counts)
                if advance is not None:
                    advance(stop - start)
            out.finish()
            if not out.n_rows:
                raise UserError(f"{', '.join(map(str, files[:3]))}: no events are left by the selection")
            names = ", ".join(path.name for path in files[:20])
            file.attrs.update({"sample": request.sample, "source": names, "hepad_version": __version__})
            file.attrs["format"] = plan.preset.name
        parts.whole.replace(target)
    except (UserError, JobError):
        parts.remove()
        raise
    parts.remove()
    told = {name: number for name, number in counts.items() if number and name not in ("entries", "events read")}
    optional = (name for place, name in plan.lacking.items() if not place.startswith("rows."))
    preset = plan.preset
    return Converted(
        preset.name,
        out.n_rows,
        tuple(dict.fromkeys(optional)),
        told,
        parts.found,
        preset.title,
        preset.use,
        preset.of is None,
    )


def _planned(files: Sequence[Path], request: Request) -> tuple[Plan, list[tuple[Path, int, int]]]:
    """Return what is made of all files, and the parts of each that are read at once."""
    plan: Plan | None = None
    steps: list[tuple[Path, int, int]] = []
    left = request.limit
    for path in files:
        source, preset = open_recognised(path, request.format, request.tree)
        with source:
            preset = preset or generic_preset(source)
            if preset is None:
                raise UserError(_unknown(source))
            preset = _adapted(preset, request)
            asked = (request.label, request.weight, *(_LUMI_COLUMNS if request.lumi_mask is not None else ()))
            extra = tuple(text for text in asked if text is not None)
            found = resolve(preset, source, request.on_missing, request.select, extra)
            if plan is not None:
                _check_alike(plan, found, files[0], path)
            plan = plan or found
            n_rows = source.n_rows(found.sources)
            n_rows = n_rows if left is None else min(left, n_rows)
            left = None if left is None else left - n_rows
            if n_rows:
                edges = step_edges(n_rows, request.chunk, source.boundaries(found.sources))
                steps += [(path, start, stop) for start, stop in itertools.pairwise(edges)]
    assert plan is not None
    return plan, steps


def _unknown(source: Source) -> str:
    return (
        f"{source.path} is of no format that hepad knows ({source.kind}); `python -m hepad.inspect {source.path}` "
        "shows what it holds, and docs/data_formats.md how a YAML of its columns is written (format=FILE.yaml)"
    )


def _adapted(preset: Preset, request: Request) -> Preset:
    """Return the preset with what the request says otherwise."""
    sets = preset.sets
    if request.slots is not None:
        sets = {name: replace(found, slots=request.slots) for name, found in sets.items()}
    if request.high_level:
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


def _check_alike(plan: Plan, other: Plan, first: Path, path: Path) -> None:
    if other.preset.name != plan.preset.name:
        raise UserError(
            f"{path} is of the format {other.preset.name}, {first} of {plan.preset.name}; convert them apart"
        )
    if other.chosen != plan.chosen or other.aliases != plan.aliases:
        differ = sorted(set(other.lacking.values()) ^ set(plan.lacking.values()))
        words = ", ".join(differ) or "columns of other names"
        raise UserError(
            f"{path} and {first} have different columns ({words}); convert them apart, or fill what is missing with "
            "on_missing=NUMBER"
        )


def _made(plan: Plan, steps: Sequence[tuple[Path, int, int]], parts: Parts, request: Request) -> Iterator[Made]:
    """Yield the rows of all parts in order: those on disk, and those that are made now."""
    labels = None if request.labels is None else read_labels(Path(request.labels))
    if labels is not None and len(labels) != (wanted := sum(stop - start for _, start, stop in steps)):
        raise UserError(
            f"labels={request.labels} has {len(labels)} lines, the input {wanted} rows; one for each is needed"
        )
    if labels is not None and (plan.select or plan.preset.of or request.lumi_mask):
        raise UserError("labels: one for each row of the input; leave select, lumi_mask and entries out")
    jobs = [(plan, path, start, stop, str(parts.path(i)), request) for i, (path, start, stop) in enumerate(steps)]
    first = 0
    for (_, start, stop), made in zip(steps, _run(jobs, request.workers), strict=True):
        if labels is not None:
            made = Made({**made.arrays, "label": labels[first : first + stop - start]}, made.counts)
        first += stop - start
        yield made


def _run(jobs: Sequence[tuple[Plan, Path, int, int, str, Request]], workers: int) -> Iterator[Made]:
    if workers == 1 or len(jobs) == 1:
        with ExitStack() as stack:
            opened: dict[Path, Source] = {}
            for plan, path, start, stop, part, request in jobs:
                if not Path(part).exists():
                    if path not in opened:
                        stack.close()
                        opened = {path: stack.enter_context(_open(path, plan, request))}
                    made = _make(opened[path], plan, start, stop, request)
                    if len(jobs) > 1:
                        write_part(Path(part), made)
                    yield made
                else:
                    yield read_part(Path(part))
        return
    # Not forked: HDF5, uproot's threads and torch would not survive that.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = {i: pool.submit(_make_part, *job) for i, job in enumerate(jobs) if not Path(job[4]).exists()}
        try:
            for i, job in enumerate(jobs):
                if i in waiting:
                    waiting[i].result()
                yield read_part(Path(job[4]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _open(path: Path, plan: Plan, request: Request) -> Source:
    if plan.preset.name == GENERIC:
        return open_source(path, tree=request.tree)
    return open_recognised(path, request.format or plan.preset.name, request.tree)[0]


def _make(source: Source, plan: Plan, start: int, stop: int, request: Request) -> Made:
    mask = None if request.lumi_mask is None else read_lumi_mask(Path(request.lumi_mask))
    try:
        return apply(plan, source.read(plan.sources, start, stop), start, mask)
    except UserError as error:
        raise UserError(str(error) if str(source.path) in str(error) else f"{source.path}: {error}") from error


def _make_part(plan: Plan, path: Path, start: int, stop: int, part: str, request: Request) -> None:
    """Make one part, in a process of its own."""
    with _open(path, plan, request) as source:
        write_part(Path(part), _make(source, plan, start, stop, request))
