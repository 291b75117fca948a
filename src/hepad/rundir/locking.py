"""One process at a time in a run's directory, and who is there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock, is_held

LOCK_NAME: Final = ".lock"
_PATIENCE_SECONDS: Final = 0.5
"""`is_locked` holds a lock for a moment."""


@contextmanager
def lock_run(run_dir: Path) -> Iterator[None]:
    """Make `run_dir` and hold its lock; a lock of the kernel's, so it goes with the process, however that ends.

    Where nothing else was written, the directory goes again. On a file system without locks a warning says that a
    second process is not kept out (`hepad.core.file_locks`).

    Raises:
        UserError: another process works there, or the directory cannot be made or written in.
    """
    existed = run_dir.is_dir()
    path = run_dir / LOCK_NAME
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = hold_lock(path, _PATIENCE_SECONDS)
    except OSError as error:
        raise UserError(f"cannot write in {run_dir}: {error.strerror}; choose another hydra.run.dir") from error
    if lock is None:
        raise UserError(f"another process works in {run_dir}; wait for it, or choose another hydra.run.dir")
    try:
        yield
    finally:
        # Removed while it is held: whoever opened it meanwhile finds that it is no longer the one on the disk.
        path.unlink(missing_ok=True)
        lock.release()
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
        return is_held(path)
    except (FileNotFoundError, PermissionError):
        return False
    except OSError as error:
        raise UserError(f"cannot tell whether a process works in {run_dir}: {path}: {error.strerror}") from error
