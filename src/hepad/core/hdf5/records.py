"""Tables of records and lists of names, as PyTables and pandas write them, read without unpickling anything.

Their attributes hold pickled Python objects. A stranger's pickle runs code, so none is ever looked at: columns are
found by the names of fields and by data sets of fixed-length text alone.
"""

from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5.datasets import LONGEST_NAME, check_chunks, hard_linked_dataset
from hepad.core.hdf5.opening import told_as_damage
from hepad.core.hdf5.storage import check_storage

_MOST_NAMES: Final = 100_000


def numeric_fields(dataset: h5py.Dataset) -> dict[str, np.dtype[Any]]:
    """Return the fields of a data set of records that are numbers, or arrays of them, by name; none of another kind."""
    with told_as_damage(f"{dataset.file.filename}:{dataset.name}"):
        try:
            names = dataset.dtype.names or ()
            return {name: dataset.dtype[name] for name in names if dataset.dtype[name].base.kind in "iufb"}
        except (TypeError, ValueError):
            return {}


def read_field(file: h5py.File, name: str, field: str, start: int, stop: int) -> NDArray[Any]:
    """Return one field of some rows of a data set of records, `(n,)` or `(n, …)`, in native byte order.

    Raises:
        UserError: no such field of numbers, data outside the file, or a size that the file does not store.
    """
    where = f"{file.filename}:/{name}"
    with told_as_damage(where):
        dataset = hard_linked_dataset(file, name)
        if dataset.is_virtual or dataset.external:
            raise UserError(f"{where} keeps its data in other files; only data inside the file is read")
        if field not in numeric_fields(dataset):
            raise UserError(f"{where} has no field {field!r} of numbers")
        check_storage(dataset, where)
        check_chunks(dataset, start, stop, where)
        found = dataset.fields(field)[start:stop]
        return np.ascontiguousarray(found, dtype=found.dtype.newbyteorder("="))


def fixed_texts(file: h5py.File, name: str) -> tuple[str, ...]:
    """Return the texts of a data set `(F,)` of fixed-length text; none where it is anything else."""
    where = f"{file.filename}:/{name}"
    with told_as_damage(where):
        dataset = hard_linked_dataset(file, name)
        plain = dataset.id.get_type().get_class() == h5py.h5t.STRING and not dataset.id.get_type().is_variable_str()
        if not plain or len(dataset.shape or ()) != 1 or dataset.is_virtual or dataset.external:
            return ()
        if dataset.shape[0] > _MOST_NAMES or dataset.dtype.itemsize > LONGEST_NAME:
            raise UserError(f"{where} is too large for names of columns")
        check_storage(dataset, where)
        check_chunks(dataset, 0, dataset.shape[0], where)
        try:
            return tuple(value.decode() for value in dataset[:].tolist())
        except UnicodeDecodeError as error:
            raise UserError(f"{where} is not UTF-8; write it anew") from error
