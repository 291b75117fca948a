"""One run at a time in a directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory`; raises `UserError` if another process does. It goes when the process ends.

    On a file system without locks a warning says that a second process is not kept out (`hepad.core.file_locks`).
    """
    try:
        lock = hold_lock(directory / ".lock")
    except OSError as error:
        raise UserError(f"cannot lock {directory}: {error.strerror}; choose another output=DIR") from error
    if lock is None:
        raise UserError(f"another simulation is at work in {directory}; wait for it, or choose another output=DIR")
    try:
        yield
    finally:
        lock.release()
