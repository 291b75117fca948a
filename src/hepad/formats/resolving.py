"""A preset and one file: which columns of the file stand for what the preset names, and which it lacks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hepad.core.errors import UserError
from hepad.formats.expressions import MissingColumn, names_in
from hepad.formats.preset import Preset
from hepad.formats.source import Source

LEAVE_OUT: Final = "leave_out"
REFUSE: Final = "refuse"
OnMissing = str | float
"""Treatment of a column that the file lacks: `leave_out`, `refuse`, or the number that stands for it."""

_DEEPEST: Final = 20


@dataclass(frozen=True)
class Plan:
    """Plan of what is made of a file.

    Attributes:
        preset: that is followed.
        chosen: place, such as `sets.jet_event_data.pt`, → the expression that is evaluated.
        lacking: place → the column of the file that is not there.
        sources: the columns of the file that are read.
        select: which events are taken; None for all.
    """

    preset: Preset
    chosen: Mapping[str, str]
    lacking: Mapping[str, str]
    sources: tuple[str, ...]
    select: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)

    def of(self, place: str) -> dict[str, str]:
        """Return name → expression of what stands at a place, such as `sets.jet_event_data`."""
        prefix = f"{place}."
        return {key.removeprefix(prefix): text for key, text in self.chosen.items() if key.startswith(prefix)}


def resolve(
    preset: Preset,
    source: Source,
    on_missing: OnMissing = LEAVE_OUT,
    select: str | None = None,
    extra: tuple[str, ...] = (),
) -> Plan:
    """Return what is made of a file.

    Args:
        preset: its format.
        source: the file.
        on_missing: what becomes of columns that it lacks.
        select: which events are taken, beside the preset's own selection.
        extra: further columns that must be read.

    Raises:
        UserError: a column that is needed is not there, or any where `on_missing` is `refuse`.
    """
    aliases = _aliases(preset, source)
    needed: dict[str, None] = {}

    def columns_of(expression: str, own: Mapping[str, str], depth: int = 0) -> Iterator[str]:
        if depth > _DEEPEST:
            raise UserError(f"format {preset.name}: {expression!r} is defined by itself")
        for name in names_in(expression):
            if name in own and own[name] != expression:
                yield from columns_of(own[name], own, depth + 1)
            elif name in preset.define:
                yield from columns_of(preset.define[name], {}, depth + 1)
            elif name in aliases:
                yield aliases[name]
            elif name in source.columns:
                yield name
            else:
                raise MissingColumn(preset.names[name][0] if name in preset.names else name)

    def first_there(alternatives: tuple[str, ...], own: Mapping[str, str]) -> str:
        missing = None
        for expression in alternatives:
            try:
                needed.update(dict.fromkeys(columns_of(expression, own)))
            except MissingColumn as error:
                missing = missing or error
            else:
                return expression
        assert missing is not None
        raise missing

    chosen: dict[str, str] = {}
    lacking: dict[str, str] = {}
    for place, alternatives in _places(preset):
        try:
            chosen[place] = first_there(alternatives, {})
        except MissingColumn as error:
            lacking[place] = error.name
            if isinstance(on_missing, int | float) and not place.startswith("rows."):
                chosen[place] = repr(float(on_missing))
    _check_needed(preset, source, lacking, on_missing)
    both = [text for text in (preset.select, select) if text]
    joined = " and ".join(f"({text})" for text in both) or None
    plan = Plan(preset, chosen, lacking, (), joined, aliases)
    must: dict[str, tuple[str | None, Mapping[str, str]]] = {"select": (joined, {})}
    must |= {"entries.of": (preset.of, {}), "entries.where": (preset.where, {})}
    for dataset, found in preset.sets.items():
        must[f"sets.{dataset}.where"] = (found.where, plan.of(f"sets.{dataset}"))
    for what, (expression, own) in must.items():
        if expression is not None:
            _require(lambda e=expression, o=own: first_there((e,), o), what, source)  # type: ignore[misc]
    for name in extra:
        _require(lambda n=name: first_there((n,), {}), "the command", source)  # type: ignore[misc]
    return Plan(preset, chosen, lacking, tuple(needed), joined, aliases)


def _aliases(preset: Preset, source: Source) -> dict[str, str]:
    """Return word → the column of the file that it stands for."""
    found = {}
    for word, alternatives in preset.names.items():
        there = next((name for name in alternatives if name in source.columns), None)
        if there is not None:
            found[word] = there
    return found


def _places(preset: Preset) -> Iterator[tuple[str, tuple[str, ...]]]:
    for dataset, found in preset.sets.items():
        yield from ((f"sets.{dataset}.{name}", alternatives) for name, alternatives in found.columns.items())
    for dataset, columns in preset.tables.items():
        yield from ((f"tables.{dataset}.{name}", alternatives) for name, alternatives in columns.items())
    yield from ((f"arrays.{name}", alternatives) for name, alternatives in preset.arrays.items())
    yield from ((f"rows.{name}", alternatives) for name, alternatives in preset.rows.items())


def _check_needed(preset: Preset, source: Source, lacking: Mapping[str, str], on_missing: OnMissing) -> None:
    word = "branches" if source.reader == "root" else "columns"
    needed = [
        lacking[place]
        for dataset, found in preset.sets.items()
        for name in found.need
        if (place := f"sets.{dataset}.{name}") in lacking
    ]
    needed += [name for place, name in lacking.items() if place.startswith("arrays.")]
    optional = [name for place, name in lacking.items() if place.startswith(("sets.", "tables."))]
    if needed or (optional and on_missing == REFUSE):
        names = ", ".join(dict.fromkeys(needed or optional))
        advice = "" if needed else "; on_missing=leave_out does without, on_missing=NUMBER fills them"
        raise UserError(f"{source.path} lacks the {word} {names}; {preset.title} has them{advice}")


def _require(find: Callable[[], str], what: str, source: Source) -> None:
    try:
        find()
    except MissingColumn as error:
        raise UserError(f"{source.path} lacks {error.name}, which {what} names") from error
