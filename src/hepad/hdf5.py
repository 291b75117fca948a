"""Reading HDF5 files that may be broken or hostile.

HDF5 can point a data set at any file on the machine (external storage, virtual data sets, soft and external
links) and can declare sizes that no disk holds. Only hard-linked, contiguous or chunked, numeric data sets of a
believable size are read; everything else is refused with a `UserError`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.errors import UserError

# Deflate cannot shrink data by more than about 1032:1 (zlib's documentation); shuffle does not change that.
_LARGEST_COMPRESSION = 1100
_SMALL_BYTES = 1 << 20


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open `path` for reading; raise `UserError` where it is missing, truncated or not HDF5."""
    if not path.exists():
        raise UserError(f"no file {path}")
    if path.is_dir():
        raise UserError(f"{path} is a directory; an HDF5 file is needed")
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        reason = "truncated" if "truncated" in str(error) else "not an HDF5 file, or damaged"
        raise UserError(f"cannot read {path}: {reason}") from error
    with file:
        yield file


def has_dataset(file: h5py.File, name: str) -> bool:
    """Whether `name` is there as a hard-linked data set; nothing is opened through a soft link."""
    return isinstance(file.get(name, getlink=True), h5py.HardLink) and isinstance(file[name], h5py.Dataset)


def safe_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Return the data set `name` once it is known to hold plain numbers inside this very file.

    Raises:
        UserError: no such data set, or one that is linked, virtual, external, not numeric or absurdly large.
    """
    where = f"{file.filename}:/{name}"
    link = file.get(name, getlink=True)
    if link is None:
        held = ", ".join(sorted(file)) or "nothing"
        raise UserError(f"no data set {name!r} in {file.filename} (it holds: {held})")
    if not isinstance(link, h5py.HardLink):
        raise UserError(f"{where} is a link to elsewhere; only data inside the file is read")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise UserError(f"{where} is a group; a data set is needed")
    if dataset.is_virtual or dataset.external:
        raise UserError(f"{where} keeps its data in other files; only data inside the file is read")
    if dataset.shape is None or dataset.dtype.kind not in "iuf":
        raise UserError(f"{where} is not numeric (type {dataset.dtype})")
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > max(_SMALL_BYTES, _LARGEST_COMPRESSION * stored):
        raise UserError(f"{where} declares {dataset.nbytes:,} bytes but stores {stored:,}; refused as damaged")
    return dataset


def read_rows(dataset: h5py.Dataset, start: int = 0, stop: int | None = None) -> NDArray[Any]:
    """Read rows `start:stop` in native byte order; raise `UserError` where the stored bytes are damaged."""
    try:
        rows = dataset[start:stop]
    except OSError as error:
        raise UserError(f"cannot read {dataset.file.filename}:{dataset.name}: the stored data is damaged") from error
    return np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("="))


def first_row(rows: slice | None) -> int:
    """Return the row at which a part of a data set begins; 0 for all of it."""
    return 0 if rows is None else int(rows.start or 0)


def feature_names(dataset: h5py.Dataset, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the last axis: the attribute `features`, else `default` where its length fits."""
    n_columns = dataset.shape[-1]
    names = dataset.attrs.get("features")
    if names is None:
        if n_columns != len(default):
            raise UserError(
                f"{dataset.file.filename}:{dataset.name} has {n_columns} columns and no attribute 'features' "
                f"to name them; {len(default)} columns are needed without it"
            )
        return default
    decoded = tuple(n.decode() if isinstance(n, bytes) else str(n) for n in np.atleast_1d(names))
    if len(decoded) != n_columns:
        raise UserError(
            f"{dataset.file.filename}:{dataset.name} has {n_columns} columns but names {len(decoded)} features"
        )
    return decoded
