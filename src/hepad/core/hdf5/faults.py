"""Exceptions of h5py, told as faults of the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hepad.core.errors import UserError

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
