"""What is left to do of a sweep's job, from its directory."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hepad.run.status import RunStatus, run_status
from hepad.sweep.differences import differing_keys
from hepad.sweep.jobs import Job

_SHOWN = 3


def what_is_there(job: Job) -> tuple[RunStatus, str]:
    """How far a job has come, and why what is there cannot serve (empty where it can)."""
    status = run_status(job.run_dir)
    if status is RunStatus.ABSENT:
        return status, ""
    if status is RunStatus.RUNNING:
        return status, "another process works on it"
    return status, _other_run(job, job.run_dir / "config.yaml")


def _other_run(job: Job, path: Path) -> str:
    there: Any = OmegaConf.to_container(OmegaConf.load(path))
    differing = differing_keys(job.config, there if isinstance(there, dict) else {}, job.run_dir)
    if not differing:
        return ""
    shown = "; ".join(differing[:_SHOWN]) + ("; …" if len(differing) > _SHOWN else "")
    return f"there is a run of another config ({shown}); remove {job.run_dir}, or choose another sweep.name"
