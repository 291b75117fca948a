"""Preset for a file of no known format, made of its columns: a table, objects in slots, or images."""

from collections.abc import Mapping
from typing import Final

from hepad.core.errors import UserError
from hepad.core.schema import (
    CALO_DATASET,
    CALO_DATASET_CICADA,
    EVENT_FEATURES_DATASET,
    EVENT_IMAGE_DATASET,
    JET_CONSTITUENTS_DATASET,
    JET_DATASET,
    JET_IMAGE_DATASET,
    SHOWER_DATASET,
    TABLE_DATASET,
    WEIGHT_DATASET,
)
from hepad.formats.hdf5_source import Hdf5Source
from hepad.formats.preset import ObjectSet, Preset
from hepad.formats.source import Source

GENERIC: Final = "generic"
"""Name of such a preset; it is in no file."""

OWN: Final[Mapping[str, str]] = {
    JET_DATASET: "data=jets",
    CALO_DATASET: "model=conv_ae data=calo",
    CALO_DATASET_CICADA: "model=conv_ae data=calo",
    EVENT_IMAGE_DATASET: "model=conv_ae data=calo data.dataset=event_image_data",
    SHOWER_DATASET: "model=conv_ae data=showers",
    JET_CONSTITUENTS_DATASET: "model=conv_ae data=jet_images",
    JET_IMAGE_DATASET: "model=conv_ae data=jet_images",
    TABLE_DATASET: "model=dense_ae data=table",
    EVENT_FEATURES_DATASET: "model=dense_ae data=table",
}
"""Data sets of hepad's own files → words of the training that reads them, the first that is there."""

_SLOTS: Final = 8
_LABEL: Final = "label"
_ROWS: Final = (_LABEL, WEIGHT_DATASET, "run", "luminosityBlock", "event", "genWeight", "eventNumber", "runNumber")
"""Columns that keep their names and are no features."""

_TITLE: Final = "no format that hepad knows"


def generic_preset(source: Source) -> Preset | None:
    """Return what can be made of a file without being told; None where its columns do not say it.

    Jagged columns that share a prefix and have a pT among them are objects of an event, the columns of numbers beside
    them event features; columns of numbers alone are a table; one array `(N, H, W)` or `(N, H, W, C)` is images.
    """
    if (own := _own(source)) is not None:
        return own
    _check_lengths(source, max((column.rows for column in source.columns.values()), default=0))
    flat = {name: column for name, column in source.columns.items() if column.shape == () and ":" not in name}
    jagged = [name for name, column in source.columns.items() if column.shape is None]
    rows = {name: (_word(name),) for name in flat if name in _ROWS}
    flat = {name: column for name, column in flat.items() if name not in _ROWS and not _counts_objects(name, jagged)}
    if collection := _collection(jagged):
        columns = {short: (_word(name),) for short, name in collection.items()}
        sets = {JET_DATASET: ObjectSet(_SLOTS, columns, sort="pt" if "pt" in columns else None)}
        tables = {EVENT_FEATURES_DATASET: {name: (_word(name),) for name in flat}} if flat else {}
        return Preset(GENERIC, _TITLE, source.reader, sets=sets, tables=tables, rows=rows, use="data=jets")
    if flat and not jagged:
        length = max(column.rows for column in flat.values())
        names = {name: (_word(name),) for name, column in flat.items() if column.rows == length}
        rows = {name: found for name, found in rows.items() if source.columns[name].rows == length}
        return Preset(
            GENERIC, _TITLE, source.reader, tables={TABLE_DATASET: names}, rows=rows, use="model=dense_ae data=table"
        )
    images = [name for name, column in source.columns.items() if len(column.shape or ()) in (2, 3)]
    if len(images) == 1 and not jagged:
        arrays = {EVENT_IMAGE_DATASET: (_word(images[0]),)}
        return Preset(GENERIC, _TITLE, source.reader, arrays=arrays, rows=rows, use="model=conv_ae data=calo")
    return None


def _check_lengths(source: Source, n_rows: int) -> None:
    """Raise `UserError` for a truth or weights of another length: nobody would miss what is silently left out."""
    for name in (_LABEL, WEIGHT_DATASET):
        if name in source.columns and source.columns[name].rows != n_rows:
            rows = source.columns[name].rows
            raise UserError(f"{source.path}: {name} has {rows} rows for {n_rows}; one for each is needed")


def _own(source: Source) -> Preset | None:
    """Return what hepad's own data sets are, as they are; None where there are none."""
    first = next((name for name in OWN if name in source.columns), None)
    if first is None:
        return None
    n_rows = source.columns[first].rows
    _check_lengths(source, n_rows)
    whole = {
        name: column
        for name, column in source.columns.items()
        if column.rows == n_rows and column.shape is not None and ":" not in name and name.isidentifier()
    }
    parts = {name.rpartition(":")[2] for name in source.columns if ":" in name}
    arrays = {name: (name,) for name, column in whole.items() if column.shape and name not in parts}
    rows = {name: (name,) for name, column in whole.items() if not column.shape and name not in parts}
    named = source if isinstance(source, Hdf5Source) else None
    axes = {name: found for name in arrays if named is not None and (found := named.axis_names(name))}
    return Preset(GENERIC, _TITLE, source.reader, arrays=arrays, rows=rows, axes=axes, use=OWN[first])


def _word(name: str) -> str:
    return name if name.replace(".", "_").isidentifier() else f'column("{name}")'


def _counts_objects(name: str, jagged: list[str]) -> bool:
    """Return whether a column is the number of objects in jagged ones, as `nJet` is of `Jet_pt`."""
    return name.startswith("n") and any(column == name[1:] or column.startswith(f"{name[1:]}_") for column in jagged)


def _collection(jagged: list[str]) -> Mapping[str, str]:
    """Return short name → column, of the jagged columns of one prefix: those with a pT, and of them the most."""
    groups: dict[str, dict[str, str]] = {}
    for name in jagged:
        prefix, mark, short = name.rpartition("." if "." in name else "_")
        if mark or not prefix:
            groups.setdefault(prefix, {})[short.lower() if short.lower() in _KINEMATIC else short] = name
    if not groups:
        return {}
    return max(groups.values(), key=lambda group: ("pt" in group, len(group)))


_KINEMATIC: Final = frozenset({"pt", "eta", "phi", "mass", "e", "energy"})
