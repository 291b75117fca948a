"""One run at a time in a directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hepad.core.errors import UserError
from hepad.core.file_locks import open_lock_file, try_lock


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory`; raises `UserError` if another process does. It goes when the process ends.

    On a file system without locks a warning says that a second process is not kept out (`hepad.core.file_locks`).
    """
    path = directory / ".lock"
    handle = None
    try:
        handle = open_lock_file(path)
        ours = try_lock(handle, path)
    except OSError as error:
        if handle is not None:
            os.close(handle)
        raise UserError(f"cannot lock {directory}: {error.strerror}; choose another output=DIR") from error
    try:
        if not ours:
            raise UserError(f"another simulation is at work in {directory}; wait for it, or choose another output=DIR")
        yield
    finally:
        os.close(handle)
