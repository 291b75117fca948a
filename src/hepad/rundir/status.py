"""Status of a run, from its directory alone."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.rundir.config_file import has_config
from hepad.rundir.facts import read_provenance
from hepad.rundir.locking import is_locked

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
    if not has_config(run_dir):
        return RunStatus.ABSENT
    if is_locked(run_dir):
        return RunStatus.RUNNING
    try:
        status = read_provenance(run_dir).get("status")
    except UserError:
        # Whoever goes on with it, or reads it, is told what is wrong with the file.
        return RunStatus.INTERRUPTED
    if status in (RunStatus.FINISHED, RunStatus.FAILED):
        return RunStatus(status)
    return RunStatus.INTERRUPTED
