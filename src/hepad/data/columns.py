"""Named columns of a file: one table `(N, F)`, or a data set `(N,)` for each column."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, read_rows, safe_dataset
from hepad.core.hdf5.datasets import listed
from hepad.core.hdf5.opening import told_as_damage
from hepad.core.schema import WEIGHT_DATASET

_NUMBERS: Final = (h5py.h5t.INTEGER, h5py.h5t.FLOAT)


class Columns:
    """The columns of an open file, by name.

    A data set `(N, F)` is a table; its columns are named by its attribute `features`, or else by `given`. Of several
    tables in a file the one with that attribute is read. In a file without a table each data set `(N,)` is a column,
    all but `weight`.

    Args:
        file: an open file.
        dataset: name of the table; None for the only one.
        given: names of the columns of a table that does not name them itself; None for none.

    Attributes:
        names: of all columns.

    Raises:
        UserError: several tables, none at all, or one without names.
    """

    def __init__(self, file: h5py.File, dataset: str | None = None, given: Sequence[str] | None = None) -> None:
        self.file = file
        self._table: h5py.Dataset | None = None
        name = dataset or _only_table(file)
        if name is None:
            self.names = tuple(_of_shape(file, 1))
            if not self.names:
                raise UserError(
                    f"{file.filename} holds no table: a data set (N, F), or data sets (N,) named as the columns, is "
                    f"needed (it holds: {listed(file)})"
                )
            if given is not None:
                raise UserError(
                    f"data.columns names the columns of a table (N, F), and {file.filename} has none; its columns are "
                    f"the data sets {', '.join(self.names)}; leave data.columns out"
                )
            return
        self._table = safe_dataset(file, name)
        if self._table.ndim != 2:
            raise UserError(f"{file.filename}:/{name} has shape {self._table.shape}; (entries, columns) is needed")
        self.names = _names(self._table, given)

    def source(self, wanted: Sequence[str]) -> h5py.Dataset:
        """Return the data set whose rows are the entries: the table, or the first of the columns that are wanted."""
        return safe_dataset(self.file, wanted[0]) if self._table is None else self._table

    def n_rows(self, wanted: Sequence[str]) -> int:
        """Return how many entries there are.

        Raises:
            UserError: columns that are wanted differ in it, or are no numbers.
        """
        if self._table is not None:
            return int(self._table.shape[0])
        lengths = {}
        for name in wanted:
            try:
                lengths[name] = int(safe_dataset(self.file, name).shape[0])
            except UserError as error:
                raise UserError(f"{error}; data.features=[…] names the columns to use") from error
        first = wanted[0]
        for name, length in lengths.items():
            if length != lengths[first]:
                raise UserError(
                    f"{self.file.filename}:/{name} has {length} rows, /{first} has {lengths[first]}; columns of one "
                    "length are needed"
                )
        return lengths[first]

    def beside(self, wanted: Collection[str], n_rows: int) -> tuple[str, ...]:
        """Return the names of all columns that can be read together with those that are wanted, these included."""
        if self._table is not None:
            return self.names
        return tuple(name for name in self.names if name in wanted or self._fits(name, n_rows))

    def _fits(self, name: str, n_rows: int) -> bool:
        column = self.file[name]
        return column.id.get_type().get_class() in _NUMBERS and column.shape == (n_rows,)

    def read(self, wanted: Collection[str], rows: slice) -> dict[str, NDArray[Any]]:
        """Return name → `(n,)` of some columns, of the rows from `rows.start` to `rows.stop`."""
        if self._table is None:
            return {name: read_rows(safe_dataset(self.file, name), rows.start, rows.stop) for name in wanted}
        values = read_rows(self._table, rows.start, rows.stop)
        return {name: values[:, self.names.index(name)] for name in wanted}


def _only_table(file: h5py.File) -> str | None:
    """Return the name of the table of a file; None where there is none."""
    tables = _of_shape(file, 2)
    with told_as_damage(file.filename):
        named = [name for name in tables if "features" in file[name].attrs]
    found = named or tables
    if len(found) > 1:
        raise UserError(
            f"{file.filename} holds several tables: {listed(found)}; choose one with data.dataset={sorted(found)[0]}"
        )
    return found[0] if found else None


def _of_shape(file: h5py.File, n_axes: int) -> list[str]:
    """Return the names of the data sets of a file with one or two axes, all but the weights."""
    with told_as_damage(file.filename):
        return [
            name
            for name in file
            if name != WEIGHT_DATASET and has_dataset(file, name) and len(file[name].shape or ()) == n_axes
        ]


def _names(table: h5py.Dataset, given: Sequence[str] | None) -> tuple[str, ...]:
    where = f"{table.file.filename}:{table.name}"
    if "features" in table.attrs:
        named = feature_names(table, ())
        if given is None or named != tuple(f"column_{i}" for i in range(len(named))):
            return named
    if given is None:
        raise UserError(
            f"{where} has {table.shape[1]} columns and no attribute 'features' to name them; name them with "
            "data.columns=[…]"
        )
    if len(given) != table.shape[1]:
        raise UserError(f"{where} has {table.shape[1]} columns, data.columns names {len(given)}")
    return tuple(given)


def as_float32(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return columns `(N,)` as `(N, F)` float32; what is beyond its range becomes infinite, and is refused as such."""
    with np.errstate(over="ignore"):
        return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
