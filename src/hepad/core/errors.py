"""Errors that are the user's to mend, how a job may end otherwise, and what is told of it in one line."""

import os
import signal
import threading
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias


class UserError(ValueError):
    """Wrong input by the user: a file, a key, a value or a combination of them.

    The message is one line that says what is wrong, where, and what would be right. Every command prints it on
    stderr, without a traceback, and exits with code 2.
    """


class JobError(Exception):
    """The job failed for a reason outside the program, such as a full disk.

    Commands print the message as one line and exit with code 1.
    """


class Interrupted(BaseException):
    """A signal asked the job to stop; like `KeyboardInterrupt` no `except Exception` holds it up.

    Args:
        number: of the signal.
        advice: how to go on, appended to the message.
    """

    def __init__(self, number: int, advice: str = "") -> None:
        self.reason = f"stopped by {signal.Signals(number).name}"
        super().__init__(self.reason + advice)
        self.number = number
        self.exit_code = 128 + number


Status: TypeAlias = Literal["finished", "failed", "refused"]

WATCHED: Final = "HEPAD_ENDS_WITH_STDIN"
"""Set in the environment of a job whose end its parent watches over."""


@dataclass(frozen=True)
class JobOutcome:
    """Outcome of one job of a command.

    Args:
        status: `finished`, `failed` (an exception, a killed process) or `refused` (the user's input was wrong).
        reason: one line, empty where the job finished.
    """

    status: Status
    reason: str = ""


class JobsFailed(Exception):
    """Some jobs of a sweep did not finish; the others did, and the summary is written.

    Args:
        exit_code: what the command exits with.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code


def one_line(error: BaseException) -> str:
    """An exception as one line: its class, and the first line of what it says."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def end_with_parent() -> None:
    """Interrupt this process, as Ctrl-C would, when the process that started it is gone; for jobs of a sweep."""
    if os.environ.pop(WATCHED, None) is None:
        return

    def watch() -> None:
        # Not through sys.stdin, whose lock Python wants back when it exits.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
