"""Locks of the kernel's on files: they go with the process, however it ends."""

import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hepad.core.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

try:
    import fcntl
except ImportError:
    # Windows.
    fcntl = None  # type: ignore[assignment]

_ENOTSUPP: Final = 524
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, _ENOTSUPP})
"""Answers of file systems without `flock`: NFS without a lock server, some of parallel and container file systems."""
_POLL_SECONDS: Final = 0.02

_told: set[Path] = set()


def hold_lock(path: Path, patience: float = 0.0) -> "BaseFileLock | None":
    """Lock a file, made if need be, and return the lock, to be released; None where another process holds it.

    Where the file system has no locks there is one warning for each directory, and the lock that is returned keeps
    nobody out: a run is better done than not.

    Args:
        path: of the file.
        patience: seconds to wait for it.

    Raises:
        UserError: something else than a regular file has its name, such as a pipe, on which opening would wait.
        OSError: it cannot be opened or locked.
    """
    # Takes longer to import than all that a command does with a run that is finished.
    from filelock import FileLock, Timeout

    if os.path.lexists(path):
        _refuse_irregular(path, path.lstat())
    # No marker file in place of a lock: it would outlive a process that is killed.
    lock = FileLock(path, patience, poll_interval=_POLL_SECONDS, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        _warn_without_locks(path, error)
    return lock


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock on a file, without writing; no on Windows, where it cannot be asked.

    By hand, since filelock has no shared lock of this kind, and one of its own makes the file: two who ask at once must
    not see each other, and a directory that may only be read can be asked about.

    Raises:
        UserError: something else than a regular file has its name.
        OSError: it cannot be opened or asked.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        _refuse_irregular(path, os.fstat(handle))
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        _warn_without_locks(path, error)
    finally:
        os.close(handle)
    return False


def _refuse_irregular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UserError(f"{path} is a directory; a lock has to be a regular file: remove it")
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path} is not a regular file, as a lock has to be; remove it")


def _warn_without_locks(path: Path, error: OSError) -> None:
    """Warn, once for each directory, that its file system has no locks; raise any other error."""
    if error.errno not in _NO_LOCKS:
        raise error
    if path.parent in _told:
        return
    _told.add(path.parent)
    print(
        f"warning: the file system of {path.parent} has no locks ({error.strerror or f'error {error.errno}'}): nothing "
        "keeps a second process out of it; see to it that only one works there",
        file=sys.stderr,
        flush=True,
    )
