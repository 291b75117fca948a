"""Status of the existing run of a sweep's job, and its differences from the one asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import UserError
from hepad.pipeline.jobs import Job
from hepad.rundir.config_file import read_config
from hepad.rundir.settings import changes_no_number, flat_settings
from hepad.rundir.status import RunStatus, run_status

_ABSENT: Final = "absent"
_FILLED_IN: Final = ("data.half", "data.targets")
_SHOWN: Final = 3


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


def differing_keys(wanted: Mapping[str, Any], there: Mapping[str, Any], wanted_dir: Path) -> list[str]:
    """The keys, as `key: there → wanted`, in which the config of a run differs from the one asked for.

    Args:
        wanted: the resolved config of a job.
        there: the config.yaml in its directory.
        wanted_dir: that directory; what lies in it is left out of the comparison, so that a sweep can be moved.
    """
    ours, theirs = flat_settings(wanted), flat_settings(there)
    differing = []
    for key in sorted(ours.keys() | theirs.keys()):
        new, old = ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
        if _absolute(key, new) == old or changes_no_number(key) or str(wanted_dir) in str(new):
            continue
        # Filled in by the pipeline that the run belongs to; older runs have no such key.
        if key in _FILLED_IN and new in (None, _ABSENT):
            continue
        # A key that is newer than the run, and not used.
        if old == _ABSENT and new is None:
            continue
        differing.append(f"{key}: {old} → {new}")
    return differing


def _absolute(key: str, value: Any) -> Any:
    """A path as a run stores it; everything else as it is."""
    if value is None or not (key.startswith("data.samples.") or key == "model.teacher"):
        return value
    return str(Path(str(value)).expanduser().absolute())
