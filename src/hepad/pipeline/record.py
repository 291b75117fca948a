"""sweep.json: what a sweep consists of, and how its jobs ended; the numbers are in the runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.core.names import check_name
from hepad.core.outcome import JobOutcome
from hepad.pipeline.jobs import Job
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
