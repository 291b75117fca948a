"""Locks of the kernel's on files: they go with the process, however it ends."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError

if sys.platform != "win32":
    # Windows has no such locks; there nobody is kept out.
    import fcntl

_ENOTSUPP: Final = 524
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, _ENOTSUPP})
"""What file systems without `flock` answer: NFS without a lock server, some of parallel and container file systems."""

_told: set[Path] = set()


def open_lock_file(path: Path, create: bool = True) -> int:
    """Open a lock file, made if need be, and return its handle.

    Raises:
        UserError: something else than a regular file has its name, such as a pipe, on which opening would wait.
        OSError: it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    try:
        handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0), 0o666)
    except IsADirectoryError as error:
        raise UserError(f"{path} is a directory; a lock has to be a regular file: remove it") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UserError(f"{path} is not a regular file, as a lock has to be; remove it")
    return handle


def try_lock(handle: int, path: Path, shared: bool = False) -> bool:
    """Lock an open file without waiting; return whether it is ours now.

    Where the file system has no locks the answer is yes, after one warning for each directory: a second process is
    not kept out there, and a run is better done than not.

    Args:
        handle: of the file.
        path: the file, for the warning.
        shared: with others who ask for a shared lock.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _tell(path.parent, error)
    return True


def _tell(directory: Path, error: OSError) -> None:
    if directory in _told:
        return
    _told.add(directory)
    print(
        f"warning: the file system of {directory} has no locks ({error.strerror or f'error {error.errno}'}): nothing "
        "keeps a second process out of it; see to it that only one works there",
        file=sys.stderr,
        flush=True,
    )
