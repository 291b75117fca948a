"""Standard output that nobody reads, or whose disk is full: one line instead of a traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from hepad.core.errors import JobError


@contextmanager
def checked_output() -> Iterator[None]:
    """Raise `JobError` where standard output does not take what is printed in this block, and drop what waits for it.

    Raises:
        JobError: the output cannot be written.
    """
    checked: Any = _Checked(sys.stdout)
    try:
        with redirect_stdout(checked):
            yield
            checked.flush()
    except OutputLost:
        drop_output()
        raise


class OutputLost(JobError):
    """Standard output cannot be written."""


def drop_output() -> None:
    """Send standard output nowhere: a flush at exit would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Checked:
    """A stream of text whose failed writes are `OutputLost`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> Any:
        return self._checked(self._stream.write, text)

    def flush(self) -> None:
        self._checked(self._stream.flush)

    def _checked(self, do: Any, *words: Any) -> Any:
        try:
            return do(*words)
        except OSError as error:
            raise OutputLost(f"cannot write the output: {error.strerror}") from error
