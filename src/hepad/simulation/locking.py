"""One run at a time in a directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hepad.errors import UserError


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of `directory`; raises `UserError` if another process does. It goes when the process ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another simulation is at work in {directory}; wait for it, or choose another output=DIR"
            ) from error
        yield
