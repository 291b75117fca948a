"""Status of the existing run of a sweep's job, and why it cannot be reused."""

from hepad.core.errors import UserError
from hepad.pipeline.differences import differing_keys
from hepad.pipeline.jobs import Job
from hepad.rundir.config_file import read_config
from hepad.rundir.status import RunStatus, run_status

_SHOWN = 3


def existing_run(job: Job) -> tuple[RunStatus, str]:
    """How far a job has come, and why what is there cannot serve (empty where it can)."""
    status = run_status(job.run_dir)
    if status is RunStatus.ABSENT:
        return status, ""
    if status is RunStatus.RUNNING:
        return status, "another process works on it"
    return status, _other_run(job)


def _other_run(job: Job) -> str:
    try:
        there = read_config(job.run_dir)
    except UserError as error:
        return f"{error}; remove {job.run_dir}, or choose another sweep.name"
    differing = differing_keys(job.config, there, job.run_dir)
    if not differing:
        return ""
    shown = "; ".join(differing[:_SHOWN]) + ("; …" if len(differing) > _SHOWN else "")
    return f"there is a run of another config ({shown}); remove {job.run_dir}, or choose another sweep.name"
