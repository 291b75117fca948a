"""Writing HDF5 files on disks that may fill up.

Where a write fails while HDF5 closes a data set or a file, it ends the whole process with a segmentation fault, at the
latest when Python exits. So it never sees one: what the disk no longer takes is held in memory until the file closes.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from hepad.core.errors import JobError
from hepad.core.files import atomic_path
from hepad.core.hdf5.opening import H5PY_FAULTS


@contextmanager
def write_hdf5(target: Path, named: Path | None = None, **settings: Any) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that takes its place at `target`, in one step, when all went well.

    The next `file[name]` after a failed write raises its `OSError`: looked up anew for every block that is written, a
    data set ends the job soon.

    Args:
        target: the file to write.
        named: the file that the user asked for, where `target` lies aside and takes its place later.
        settings: further arguments of `h5py.File`.

    Raises:
        JobError: the place cannot be written, or the disk is full; nothing is left of the file.
    """
    disk: _Disk | None = None
    other: BaseException | None = None
    try:
        with atomic_path(target) as aside, aside.open("r+b", buffering=0) as opened:
            disk = _Disk(opened.fileno())
            file = _File(disk, "w", locking=False, **settings)
            try:
                yield file
            except BaseException as error:
                other = error if disk.error is None else None
                raise
            finally:
                file.close()
            disk.raise_failure()
    except H5PY_FAULTS as error:
        if error is other:
            raise
        cause = disk.error if disk is not None and disk.error is not None else error
        told = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise JobError(f"cannot write {named or target}: {told}; nothing is left of it") from error


class _File(h5py.File):  # type: ignore[misc]  # h5py has no types
    """An HDF5 file on a `_Disk`."""

    def __init__(self, disk: "_Disk", *words: Any, **settings: Any) -> None:
        super().__init__(disk, *words, **settings)
        self._disk = disk

    def __getitem__(self, name: Any) -> Any:
        self._disk.raise_failure()
        return super().__getitem__(name)


class _Disk(io.RawIOBase):
    """A file open for reading and writing, in which no write fails.

    The bytes of a write that the disk refuses, and of all later ones, are held in memory: HDF5 reads what it wrote.

    Args:
        handle: of the file.
    """

    def __init__(self, handle: int) -> None:
        self.error: OSError | None = None
        self._handle = handle
        self._position = 0
        self._size = 0
        self._held: dict[int, bytes] = {}

    def raise_failure(self) -> None:
        """Raise the `OSError` of the first write that failed, if any did."""
        if self.error is not None:
            raise self.error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, counted from the beginning, from here, or from the end."""
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, with zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        start, stop = self._position, self._position + len(view)
        n_read = os.preadv(self._handle, [view], start)
        view[n_read:] = bytes(len(view) - n_read)
        for place, held in self._held.items():
            first, last = max(place, start), min(place + len(held), stop)
            if first < last:
                view[first - start : last - start] = held[first - place : last - place]
        self._position = stop
        return len(view)

    def write(self, data: Any) -> int:
        """Write all of `data`, or hold it in memory."""
        view = memoryview(data).cast("B")
        if self.error is None:
            try:
                written = 0
                while written < len(view):
                    written += os.pwrite(self._handle, view[written:], self._position + written)
            except OSError as error:
                self.error = error
        if self.error is not None:
            self._held[self._position] = bytes(view)
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file off, or fill it up with zeros."""
        self._size = self._position if size is None else size
        if self.error is None:
            try:
                os.ftruncate(self._handle, self._size)
            except OSError as error:
                self.error = error
        return self._size
