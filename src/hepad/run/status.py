"""How far a run has come, from its directory alone."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hepad.errors import UserError
from hepad.run.locking import is_locked

RUN_FORMAT: Final = 1
"""Number of the layout of a run's directory and checkpoints; another number cannot be resumed."""


class RunStatus(StrEnum):
    """How far a run has come."""

    ABSENT = "absent"
    """There is no run: no directory, or none with a config.yaml."""
    RUNNING = "running"
    """A living process holds the directory's lock."""
    FINISHED = "finished"
    """Everything was written."""
    FAILED = "failed"
    """The job raised an error; provenance.json says which."""
    INTERRUPTED = "interrupted"
    """Stopped by a signal, or its process is gone without a word."""


def run_status(run_dir: str | Path) -> RunStatus:
    """Return how far the run in `run_dir` has come. Imports no torch, and touches nothing."""
    run_dir = Path(run_dir)
    if not (run_dir / "config.yaml").is_file():
        return RunStatus.ABSENT
    if is_locked(run_dir):
        return RunStatus.RUNNING
    status = read_provenance(run_dir).get("status")
    if status in (RunStatus.FINISHED, RunStatus.FAILED):
        return RunStatus(status)
    return RunStatus.INTERRUPTED


def require_run(run_dir: Path) -> None:
    """Raise `UserError` where there is no run, in the same words for every command."""
    if not (run_dir / "config.yaml").is_file():
        raise UserError(f"{run_dir} is not a run: it has no config.yaml")


def read_provenance(run_dir: str | Path) -> dict[str, Any]:
    """Return what provenance.json says; empty where the run was stopped before it was written."""
    try:
        found = json.loads((Path(run_dir) / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
