"""Presets: YAML files that say which columns of a public format become which data sets of hepad's HDF5.

They ship in `configs/presets/`; a file of the user's own is one too. `docs/data_formats.md` has all of their keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import yaml

from hepad.config import config_dirs
from hepad.config.keys.compound import Either, FieldsOf, ListOf, MapOf, optional
from hepad.config.keys.kinds import Kind, Number, Text, Whole, Word
from hepad.core.errors import UserError
from hepad.core.files import read_small_file
from hepad.formats.high_level import HIGH_LEVEL
from hepad.formats.opening import READERS

_LARGEST_FILE: Final = 1 << 20
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXTS: Final = ListOf(Text(), 1, 1000, "names", "[Jet_pt, Jet_eta]")
_TEXT_OR_TEXTS: Final = Either((Text(), _TEXTS))
_EXPRESSION: Final = Either((Text(), Number(), _TEXTS))
_COLUMNS: Final = MapOf(_EXPRESSION, Text(), "{pt: Jet_pt / 1000}")
_SET: Final = FieldsOf(
    {
        "slots": Whole(1, 100_000),
        "columns": _COLUMNS,
        "sort": optional(Text()),
        "where": optional(Text()),
        "need": ListOf(Text(), 0, 1000, "columns", "[pt]"),
        "high_level": ListOf(Word(tuple(HIGH_LEVEL)), 0, 100, "names", "[m_jj]"),
    },
    ("slots", "columns"),
    "{slots: 8, sort: pt, columns: {pt: Jet_pt}}",
)
KEYS: Final[Mapping[str, Kind]] = {
    "extends": Text(),
    "title": Text(),
    "reader": Word(READERS),
    "tree": _TEXT_OR_TEXTS,
    "recognise": ListOf(Text(), 0, 1000, "columns", "[Jet_pt]"),
    "widths": MapOf(Whole(1), Text(), "{showers: 6480}"),
    "names": MapOf(_TEXT_OR_TEXTS, Text(), "{raw: df/block0_values}"),
    "define": MapOf(Text(), Text(), "{particles: 'reshape(raw[:, :2100], 700, 3)'}"),
    "entries": FieldsOf({"of": Text(), "where": Text()}, ("of",), "{of: FatJet_pt, where: FatJet_pt > 200}"),
    "select": Text(),
    "sets": MapOf(_SET, Text(), "{jet_event_data: {slots: 8, columns: {pt: Jet_pt}}}"),
    "tables": MapOf(_COLUMNS, Text(), "{event_features: {met: MET_pt}}"),
    "arrays": MapOf(_EXPRESSION, Text(), "{calo_regions: CaloRegions}"),
    "rows": MapOf(optional(_EXPRESSION), Text(), "{run: run}"),
    "units": MapOf(Text(), Text(), "{pt: GeV}"),
    "use": Text(),
}
"""Keys of a preset, and the values that they take."""

_MERGED: Final = ("names", "define", "sets", "tables", "arrays", "rows", "units")


@dataclass(frozen=True)
class ObjectSet:
    """Objects of an entry that are put into slots: a data set `(N, slots, F)`.

    Attributes:
        slots: of each entry; what does not fit is counted.
        columns: name → expressions of which the first is taken whose columns are there.
        sort: a column by which they fall; None for their order in the file.
        where: which of them are taken.
        need: columns without which there are no such objects.
        high_level: names of `hepad.formats.high_level` that are made of them.
    """

    slots: int
    columns: Mapping[str, tuple[str, ...]]
    sort: str | None = None
    where: str | None = None
    need: tuple[str, ...] = ()
    high_level: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A format: how it is recognised, and what is made of its columns.

    Attributes:
        name: of the preset.
        title: of the format, for people.
        reader: the kind of file.
        tree: names of the tree of a ROOT file, of which the first is taken that is there.
        recognise: columns that each file of the format has; the preset with the most is taken.
        widths: column → the size of its last axis, where that tells the format.
        names: word → names of columns, of which the first is taken that is there.
        define: word → an expression.
        of, where: the objects that become entries, by one of their jagged columns, and which of them; None for events.
        select: which events are taken.
        sets, tables, arrays, rows: data set → what it holds.
        units: column → unit.
        use: words of the command that trains on the result, such as `data=jets`.
        axes: array → names of its last axis, where the file gives them.
    """

    name: str
    title: str = "a format of your own"
    reader: str | None = None
    tree: tuple[str, ...] = ()
    recognise: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    define: Mapping[str, str] = field(default_factory=dict)
    of: str | None = None
    where: str | None = None
    select: str | None = None
    sets: Mapping[str, ObjectSet] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    arrays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    use: str = ""
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def preset_files() -> dict[str, Path]:
    """Return preset → its YAML file, of hepad and of the user's own directories of configs (`--config-dir`)."""
    return {path.stem: path for place in config_dirs() for path in sorted((place / "presets").glob("*.yaml"))}


def read_preset(name: str) -> Preset:
    """Return the preset of a name, or of the YAML file at a path.

    Raises:
        UserError: no such preset, or a file that is none.

    >>> from hepad.formats import read_preset
    >>> read_preset("nanoaod").sets["jet_event_data"].slots
    8
    """
    path = preset_files().get(name)
    if path is None:
        if not name.endswith((".yaml", ".yml")):
            raise UserError(
                f"format={name}: no such preset; there are {', '.join(sorted(preset_files()))}, or a YAML file"
            )
        path = Path(name)
    return _built(path.stem, _content(path, ()))


def _content(path: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    try:
        content = yaml.load(read_small_file(path, _LARGEST_FILE, "format"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"format={path}: cannot be read as YAML; {str(error).splitlines()[0]}") from error
    if (problem := FieldsOf(KEYS).problem(content)) is not None:
        raise UserError(f"format={path}: {problem.where.lstrip('.')}={problem.value}: {problem.said}")
    base = content.pop("extends", None)
    if base is None:
        return dict(content)
    if base in seen or base not in preset_files():
        raise UserError(f"format={path}: extends {base}; one of {', '.join(sorted(preset_files()))} is needed")
    below = _content(preset_files()[base], (*seen, path.stem))
    for key in _MERGED:
        if key in below and key in content:
            content[key] = {**below[key], **content[key]}
    return {**below, **content}


def _built(name: str, content: Mapping[str, Any]) -> Preset:
    given = dict(content)
    objects = given.pop("entries", {})
    sets = {
        dataset: ObjectSet(
            slots=found["slots"],
            columns=_columns(found["columns"]),
            sort=found.get("sort"),
            where=found.get("where"),
            need=tuple(found.get("need", ())),
            high_level=tuple(found.get("high_level", ())),
        )
        for dataset, found in given.pop("sets", {}).items()
    }
    tables = {dataset: _columns(columns) for dataset, columns in given.pop("tables", {}).items()}
    for key in ("arrays", "rows", "names"):
        given[key] = _columns(given.get(key, {}))
    for key in ("tree", "recognise"):
        given[key] = _texts(given.get(key, ()))
    assert set(given) <= {one.name for one in fields(Preset)}
    return Preset(name=name, sets=sets, tables=tables, of=objects.get("of"), where=objects.get("where"), **given)


def _columns(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    # Null takes away what the preset that is extended has.
    return {name: _texts(value) for name, value in given.items() if value is not None}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else (str(value),)
