"""HDF5 files of any layout: data sets by their path, columns of tables by their name, PyTables and pandas included."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, open_hdf5, read_rows, safe_dataset
from hepad.core.hdf5.opening import told_as_damage
from hepad.core.hdf5.records import fixed_texts, numeric_fields, read_field
from hepad.formats.source import Column, Source

_DEEPEST: Final = 6
_MOST: Final = 10_000
_NUMBERS: Final = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM)


class Hdf5Source(Source):
    """The data sets of numbers of an HDF5 file that are hard-linked.

    `group/name` is a data set, `group/name:column` a column of a table `(N, F)` whose columns have names (the attribute
    `features`, or pandas' `block0_items` beside `block0_values`) or a field of a data set of records; a column goes by
    its own name too where that is the only one.

    Args:
        path: an HDF5 file.

    Raises:
        UserError: no HDF5 file, or a damaged one.
    """

    reader: ClassVar[str] = "hdf5"

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            self.file = stack.enter_context(open_hdf5(path))
            self._places: dict[str, tuple[str, int | str | None]] = {}
            columns: dict[str, Column] = {}
            twice: set[str] = set()
            for place, dataset in _datasets(self.file):
                parts = {place: (None, _whole(dataset)), **self._parts(place, dataset)}
                for name, (part, column) in parts.items():
                    if column is None:
                        continue
                    self._places[name], columns[name] = (place, part), column
                    bare = name.rpartition(":")[2]
                    if ":" in name and bare in self._places and bare not in twice:
                        twice.add(bare)
                    elif ":" in name:
                        self._places[bare], columns[bare] = (place, part), column
            for bare in twice:
                if self._places[bare][1] is not None:
                    del self._places[bare], columns[bare]
            self.columns = columns
            self._stack = stack.pop_all()

    @property
    def kind(self) -> str:
        """The kind of file."""
        return "HDF5 file"

    def _parts(self, place: str, dataset: h5py.Dataset) -> dict[str, tuple[int | str | None, Column | None]]:
        """Return the named columns of a table, and the fields of records, as `place:name`."""
        found: dict[str, tuple[int | str | None, Column | None]] = {}
        for field, dtype in numeric_fields(dataset).items():
            found[f"{place}:{field}"] = (field, Column(len(dataset), dtype.shape, str(dtype.base)))
        if len(dataset.shape or ()) == 2 and _whole(dataset) is not None:
            column = Column(dataset.shape[0], (), str(dataset.dtype))
            for index, name in enumerate(self._names(place, dataset)):
                found[f"{place}:{name}"] = (index, column)
        return found

    def _names(self, place: str, dataset: h5py.Dataset) -> tuple[str, ...]:
        with told_as_damage(f"{self.path}:/{place}"):
            if "features" in dataset.attrs:
                return feature_names(dataset, ())
        beside = f"{place.removesuffix('_values')}_items"
        if not place.endswith("_values") or beside not in self.file:
            return ()
        names = fixed_texts(self.file, beside)
        return names if len(names) == dataset.shape[1] and len(set(names)) == len(names) else ()

    def axis_names(self, name: str) -> tuple[str, ...]:
        """Return the names of the last axis of a data set; none where it does not say them."""
        with told_as_damage(f"{self.path}:/{name}"):
            dataset = self.file[name]
            return feature_names(dataset, ()) if "features" in dataset.attrs else ()

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return data sets, or columns of them, of some rows."""
        blocks: dict[str, NDArray[Any]] = {}
        found = {}
        for name in names:
            place, part = self._places[name]
            if isinstance(part, str):
                found[name] = read_field(self.file, place, part, start, stop)
                continue
            if place not in blocks:
                blocks[place] = read_rows(safe_dataset(self.file, place), start, stop)
            found[name] = blocks[place] if part is None else blocks[place][:, part]
        return found

    def close(self) -> None:
        """Close the file."""
        self._stack.close()


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield path and data set of all that is hard-linked, not too deep and not too many."""
    waiting: list[tuple[str, h5py.Group]] = [("", file)]
    n_seen = 0
    while waiting:
        prefix, group = waiting.pop(0)
        with told_as_damage(f"{file.filename}:/{prefix}"):
            names = list(group)
            n_seen += len(names)
            if n_seen > _MOST:
                raise UserError(f"{file.filename} holds more than {_MOST:,} things; too many to look through")
            for name in names:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                node, place = group[name], f"{prefix}{name}"
                if isinstance(node, h5py.Dataset):
                    yield place, node
                elif isinstance(node, h5py.Group) and place.count("/") < _DEEPEST:
                    waiting.append((f"{place}/", node))


def _whole(dataset: h5py.Dataset) -> Column | None:
    """Return what a data set of numbers is; None for anything else."""
    with told_as_damage(f"{dataset.file.filename}:{dataset.name}"):
        if dataset.id.get_type().get_class() not in _NUMBERS or not dataset.shape:
            return None
        try:
            dtype = np.dtype(dataset.dtype)
        except (TypeError, ValueError):
            return None
        return Column(dataset.shape[0], tuple(dataset.shape[1:]), str(dtype)) if dtype.kind in "iufb" else None
