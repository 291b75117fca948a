"""Opening HDF5 files without HDF5's locks, and its exceptions told as faults of the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py

from hepad.core.errors import UserError
from hepad.core.files import require_file

# What h5py raises on broken files, depending on where HDF5 stumbles.
H5PY_FAULTS: Final = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError, SystemError)


@contextmanager
def told_as_damage(where: str) -> Iterator[None]:
    """Raise `UserError` in place of whatever h5py raises on a broken file.

    Args:
        where: the file, or the data set in it.
    """
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"cannot read {where}: it does not fit into memory") from error
    except H5PY_FAULTS as error:
        raise UserError(f"cannot read {where}: the stored data is damaged") from error


_OTHER_FORMATS: Final = {
    b"root": "a ROOT file; make HDF5 of it with python -m hepad.convert input=FILE.root output=FILE.h5",
    b"\x93NUM": "a NumPy file; name it .npy and it is read as it is",
    b"PK\x03\x04": "a zip archive; if it is NumPy's, name it .npz and it is read as it is",
    b"\x1f\x8b": "compressed as a whole; unpack it first",
    b"PAR1": "a Parquet file; name it .parquet and it is read as it is",
}


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open `path` for reading; raise `UserError` where it is missing, no regular file, truncated or not HDF5."""
    path = require_file(path)
    try:
        file = _opened(path)
    except H5PY_FAULTS as error:
        raise UserError(f"cannot read {path}: {_reason(path, error)}") from error
    with file:
        yield file


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        # HDF5 wants one rule for a file that this process, a notebook say, holds open already.
        if "locking flag" not in str(error):
            raise
        return h5py.File(path, "r")


def create_hdf5(target: Any, **settings: Any) -> h5py.File:
    """Create an HDF5 file, to be closed by the caller; an older one at the place is overwritten.

    Args:
        target: a path, or a binary file in memory.
        settings: further arguments of `h5py.File`.

    Raises:
        OSError: the place cannot be written.
    """
    return h5py.File(target, "w", locking=False, **settings)


def _reason(path: Path, error: BaseException) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if not head:
        return "it is empty"
    if "truncated" in str(error):
        return "truncated"
    other = next((told for magic, told in _OTHER_FORMATS.items() if head.startswith(magic)), None)
    return f"it is {other}" if other else "not an HDF5 file, or damaged"
