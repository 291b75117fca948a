"""One process at a time in a run's directory, and who is there."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.file_locks import open_lock_file, try_lock

LOCK_NAME: Final = ".lock"
_PATIENCE_SECONDS: Final = 0.5


@contextmanager
def lock_run(run_dir: Path) -> Iterator[None]:
    """Make `run_dir` and hold its lock; a lock of the kernel's, so it goes with the process, however that ends.

    Where nothing else was written, the directory goes again. On a file system without locks a warning says that a
    second process is not kept out (`hepad.core.file_locks`).

    Raises:
        UserError: another process works there, or the directory cannot be made or written in.
    """
    existed = run_dir.is_dir()
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        handle = _locked_file(run_dir / LOCK_NAME)
    except OSError as error:
        raise UserError(f"cannot write in {run_dir}: {error.strerror}; choose another hydra.run.dir") from error
    if handle is None:
        raise UserError(f"another process works in {run_dir}; wait for it, or choose another hydra.run.dir")
    try:
        yield
    finally:
        # Removed while it is held: whoever opened it meanwhile finds that it is no longer the one on the disk.
        (run_dir / LOCK_NAME).unlink(missing_ok=True)
        os.close(handle)
        if not existed:
            with suppress(OSError):
                run_dir.rmdir()


def is_locked(run_dir: Path) -> bool:
    """Whether a process holds the lock of `run_dir`; no where that cannot be told.

    Raises:
        UserError: what has the name of the lock is no regular file.
    """
    path = run_dir / LOCK_NAME
    try:
        handle = open_lock_file(path, create=False)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        # Shared, so that two who ask do not see each other.
        return not try_lock(handle, path, shared=True)
    except OSError as error:
        raise UserError(f"cannot tell whether a process works in {run_dir}: {path}: {error.strerror}") from error
    finally:
        os.close(handle)


def _locked_file(path: Path) -> int | None:
    """Return the open lock file, or None where somebody else holds it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        handle = open_lock_file(path)
        if not try_lock(handle, path):
            # `is_locked` holds it for a moment only.
            if time.monotonic() > deadline:
                os.close(handle)
                return None
        elif path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)
        time.sleep(0.02)
