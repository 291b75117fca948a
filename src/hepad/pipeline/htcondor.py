"""Jobs in a pool of HTCondor: one for each run of a sweep, submitted, waited for, and how each of them ended.

By HTCondor's own commands and the log that it keeps of each job: its Python bindings have to fit the pool's version,
and a log of events is the same since version 7.
"""

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from hepad.core.errors import JobError, JobOutcome
from hepad.core.files import atomic_write_text
from hepad.core.names import counted
from hepad.pipeline.htcondor_files import CondorSettings, description, script
from hepad.pipeline.htcondor_log import CondorState, read_log
from hepad.pipeline.job_processes import job_command, log_outcome, name_of

FOLDER: Final = ".htcondor"
"""The directory, in that of the sweep, of what is submitted and of what jobs print."""

_POLL_SECONDS: Final = 2.0
_BY_THE_USER: Final = 1
"""HTCondor's code of a job that somebody put on hold by hand: it waits for that somebody."""


@dataclass
class _Waiting:
    index: int
    name: str
    number: str
    folder: Path
    told: CondorState = field(default_factory=CondorState)
    removed: str = ""

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def output(self) -> Path:
        return self.folder / f"{self.name}.out"


def run_in_pool(
    config: DictConfig,
    job_overrides: Sequence[Sequence[str]],
    settings: CondorSettings,
    poll_seconds: float = _POLL_SECONDS,
    wait: Callable[[float], object] = time.sleep,
) -> list[JobReturn]:
    """Submit one job for each list of overrides, wait for all, and return how each ended.

    A job that is evicted is started again by HTCondor, and its run goes on from its last epoch. So does one that is
    killed or put on hold, `settings.retries` times. Jobs of an earlier command that still wait in the queue are waited
    for and not submitted again. Where this process is stopped they stay there.

    Args:
        config: of the command.
        job_overrides: the words of each job.
        settings: what a job asks for.
        poll_seconds: between two looks at the logs.
        wait: waits that long.

    Raises:
        JobError: `condor_submit` did not take the jobs.
    """
    folder = Path(str(config.hydra.sweep.dir)).absolute() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[_Waiting] = []
    new: list[tuple[int, Sequence[str]]] = []
    for index, overrides in enumerate(job_overrides):
        name = name_of(overrides, index)
        if number := _still_queued(folder / f"{name}.log"):
            print(f"{name}: waits in the queue as {number}", flush=True)
            jobs.append(_Waiting(index, name, number, folder))
        else:
            new.append((index, overrides))
    if new:
        jobs += _submit(config, new, settings, folder)
    outcomes: dict[int, JobOutcome] = {}
    while len(outcomes) < len(jobs):
        for job in jobs:
            if job.index not in outcomes and (outcome := _look_at(job, settings.retries)) is not None:
                outcomes[job.index] = outcome
                print(f"[{len(outcomes)}/{len(jobs)}] {job.name}: {outcome.status}", flush=True)
        if len(outcomes) < len(jobs):
            wait(poll_seconds)
    return [JobReturn(status=JobStatus.COMPLETED, _return_value=outcomes[i]) for i in range(len(jobs))]


def _submit(
    config: DictConfig, jobs: Sequence[tuple[int, Sequence[str]]], settings: CondorSettings, folder: Path
) -> list[_Waiting]:
    names: list[str] = []
    for index, overrides in jobs:
        name = name_of(overrides, index)
        # An earlier job's events would be taken for this one's.
        (folder / f"{name}.log").unlink(missing_ok=True)
        run_dir = name if settings.transfer else str(folder.parent / name)
        path = folder / f"{name}.sh"
        atomic_write_text(path, script(job_command(config, overrides, run_dir), name, settings))
        path.chmod(0o755)
        names.append(name)
    written = folder / "jobs.sub"
    atomic_write_text(written, description(folder, names, settings))
    submitted = _condor("condor_submit", "-terse", str(written))
    if submitted.returncode:
        said = (submitted.stderr or submitted.stdout).strip().splitlines() or [f"exit code {submitted.returncode}"]
        raise JobError(f"condor_submit did not take the jobs: {said[-1].strip()}; they are described in {written}")
    numbers = submitted_numbers(submitted.stdout)
    if len(numbers) != len(names):
        raise JobError(f"condor_submit said {submitted.stdout.strip()!r} of {counted(len(names), 'job')}; see condor_q")
    print(f"submitted {counted(len(names), 'job')}: {', '.join(numbers)}; logs in {folder}", flush=True)
    return [
        _Waiting(index, name, number, folder) for (index, _), name, number in zip(jobs, names, numbers, strict=True)
    ]


def submitted_numbers(said: str) -> list[str]:
    """Return the number of each job from what `condor_submit -terse` says: the first and last of each cluster.

    >>> from hepad.pipeline.htcondor import submitted_numbers
    >>> submitted_numbers("17.0 - 17.2\\n18.0 - 18.0\\n")
    ['17.0', '17.1', '17.2', '18.0']
    """
    ranges = re.findall(r"^(\d+)\.(\d+) - \1\.(\d+)\s*$", said, flags=re.M)
    return [f"{cluster}.{process}" for cluster, first, last in ranges for process in range(int(first), int(last) + 1)]


def _still_queued(log: Path) -> str:
    """Return the number of the job that a log is of, if it still waits in the queue; nothing else."""
    if not log.is_file():
        return ""
    state = read_log(log)
    if state.ended or not state.number:
        return ""
    asked = _condor("condor_q", state.number, "-af", "JobStatus")
    return state.number if asked.returncode == 0 and asked.stdout.strip() else ""


def _look_at(job: _Waiting, retries: int) -> JobOutcome | None:
    """Return how a job ended, None as long as it has not; print what is new of it."""
    state = read_log(job.log)
    if state.words != job.told.words and not state.ended:
        print(f"{job.name}: {state.words}", flush=True)
    if state.held and state.n_holds > job.told.n_holds and state.hold_code != _BY_THE_USER and state.n_holds > retries:
        job.removed = f"HTCondor put it on hold: {state.reason}"
        _condor("condor_rm", job.number)
    job.told = state
    if not state.ended:
        return None
    if state.removed:
        return JobOutcome("failed", job.removed or f"removed from HTCondor's queue: {state.reason}".rstrip(": "))
    assert state.code is not None
    return log_outcome(state.code, job.output)


def _condor(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
