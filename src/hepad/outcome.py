"""How a job ended, as it travels from the process that ran it to the one that waits for it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["finished", "failed", "refused"]


@dataclass(frozen=True)
class JobOutcome:
    """How one job of a command ended.

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
