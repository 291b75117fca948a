"""Rows of a data set."""

import itertools
import math
from collections.abc import Iterator
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5.faults import told_as_damage
from hepad.core.hdf5.filters import DEFLATE, check_inflated, filter_codes

ROWS: Final = 8192
"""Rows read at once, or fewer where rows are large."""

_STEP_BYTES: Final = 32 << 20


def read_rows(dataset: h5py.Dataset, start: int = 0, stop: int | None = None) -> NDArray[Any]:
    """Return the rows `start:stop` of a data set in native byte order.

    Raises:
        UserError: the stored bytes are damaged, or there are no rows.
    """
    where = f"{dataset.file.filename}:{dataset.name}"
    if not dataset.shape:
        raise UserError(f"{where} is a single number; rows are needed")
    start, stop, _ = slice(start, stop).indices(dataset.shape[0])
    with told_as_damage(where):
        _check_chunks(dataset, start, stop, where)
        found = dataset[start:stop]
    return np.ascontiguousarray(found, dtype=found.dtype.newbyteorder("="))


def row_steps(dataset: h5py.Dataset) -> Iterator[slice]:
    """Yield the rows of a data set in slices of little memory, of whole chunks where these are small."""
    n_rows = dataset.shape[0]
    step = max(1, min(ROWS, _STEP_BYTES // max(1, dataset.nbytes // max(1, dataset.shape[0]))))
    if dataset.chunks and dataset.chunks[0] <= step:
        # A stored chunk that lies across two parts would be unpacked twice.
        step -= step % dataset.chunks[0]
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def first_row(rows: slice | None) -> int:
    """Return the row at which a part of a data set begins; 0 for all of it."""
    return 0 if rows is None else int(rows.start or 0)


def _check_chunks(dataset: h5py.Dataset, start: int, stop: int, where: str) -> None:
    """Look into the deflated chunks of some rows before HDF5 unpacks them."""
    if dataset.chunks is None or start >= stop or DEFLATE not in filter_codes(dataset):
        return
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    first = start - start % dataset.chunks[0]
    across = (range(0, n, c) for n, c in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))
    for corner in itertools.product(range(first, stop, dataset.chunks[0]), *across):
        check_inflated(dataset, corner, chunk_bytes, where)
