"""sweep.json: what a sweep consists of and how its jobs ended, and the runs that are there already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import JobOutcome, UserError
from hepad.core.files import atomic_write_text
from hepad.core.names import check_name
from hepad.core.remote import is_remote
from hepad.pipeline.jobs import Job
from hepad.rundir.config_file import changes_no_number, flat_settings, read_config
from hepad.rundir.locking import RunStatus, run_status
from hepad.rundir.parsing import read_json

FILE: Final = "sweep.json"
_BYTES: Final = 64 << 20


@dataclass
class SweepRecord:
    """All jobs that were ever part of a sweep.

    Args:
        name: of the sweep.
        settings: job → what is swept, key → value.
        done: job → how it ended; a job that is not here was never waited for to its end.
        at_once: how many jobs could run side by side, if there is room: all, or as many as a search asks for; None
            before any was planned.
    """

    name: str
    settings: dict[str, dict[str, str]] = field(default_factory=dict)
    done: dict[str, JobOutcome] = field(default_factory=dict)
    at_once: int | None = None

    def plan(self, jobs: Sequence[Job], at_once: int | None = None) -> None:
        """Add jobs that are about to run, `at_once` of the sweep side by side, None for all."""
        for job in jobs:
            self.settings[job.name] = dict(job.settings)
            self.done.pop(job.name, None)
        self.at_once = at_once or len(self.settings)

    @property
    def swept(self) -> list[str]:
        """The keys that are swept, in the order of their first appearance."""
        return list(dict.fromkeys(key for settings in self.settings.values() for key in settings))

    def write(self, directory: Path, **more: Any) -> None:
        """Write `sweep.json` in one step; `more` is added."""
        directory.mkdir(parents=True, exist_ok=True)
        content = {
            "sweep": self.name,
            "at_once": self.at_once,
            "jobs": {
                name: {"settings": settings, **(asdict(self.done[name]) if name in self.done else {})}
                for name, settings in self.settings.items()
            },
            **more,
        }
        atomic_write_text(directory / FILE, json.dumps(content, indent=2) + "\n")


def read_sweep(directory: Path, name: str) -> SweepRecord:
    """The record in `directory`; an empty one named `name` where there is none.

    Raises:
        UserError: the file is damaged.
    """
    path = directory / FILE
    if not path.exists():
        return SweepRecord(name)
    content = read_json(path, _BYTES)
    try:
        jobs, at_once = content["jobs"], content.get("at_once")
        for job in jobs:
            check_name(f"{path}: job {job[:64]!r}", job)
        return SweepRecord(
            name,
            {job: {str(k): str(v) for k, v in entry["settings"].items()} for job, entry in jobs.items()},
            {job: JobOutcome(entry["status"], entry["reason"]) for job, entry in jobs.items() if "status" in entry},
            None if at_once is None else int(at_once),
        )
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"cannot read {path}: {type(error).__name__}; remove it to make it anew") from error


_ABSENT: Final = "absent"
_FILLED_IN: Final = ("data.half", "data.targets")
_SHOWN: Final = 3


def existing_run(job: Job) -> tuple[RunStatus, str]:
    """Return the status of the existing run of a job, and why it cannot be reused (empty where it can)."""
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
    if isinstance(value, list):
        return [_absolute(key, part) for part in value]
    return str(value) if is_remote(str(value)) else str(Path(str(value)).expanduser().absolute())
