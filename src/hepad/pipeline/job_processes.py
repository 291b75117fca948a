"""Jobs as processes on this machine: each is the command itself, with its own words.

Not joblib: where one of its workers dies, of memory say, the whole sweep ends with it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from hepad.core.errors import WATCHED, JobOutcome
from hepad.core.names import counted
from hepad.core.threads import usable_cores
from hepad.pipeline.stages import read_pipeline
from hepad.pipeline.sweep_record import read_sweep

LOGS: Final = "logs"
"""The directory, in that of the sweep, of what jobs print."""

_POLL_SECONDS: Final = 0.1
_THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass
class _Process:
    index: int
    name: str
    log: Path
    process: subprocess.Popen[bytes]
    started: float


def run_processes(
    config: DictConfig, job_overrides: Sequence[Sequence[str]], n_jobs: int | None, threads: int | None
) -> list[JobReturn]:
    """Run each job as `python -m hepad.<command> <its words>`, at most `n_jobs` at a time.

    What a job prints goes to `<sweep>/logs/<job>.log`. On Ctrl-C every running job is interrupted once, and waited
    for.

    Args:
        config: of the command.
        job_overrides: the words of each job.
        n_jobs: processes at a time; None for one per core.
        threads: of each; None for `OMP_NUM_THREADS` where that is set, else to share the cores.
    """
    # Shared between the jobs of the whole sweep, or pipeline: the last one of a sweep that was stopped must get what it
    # would have got then, as the last bits of its numbers depend on that.
    directory = Path(str(config.hydra.sweep.dir))
    at_once = read_sweep(directory, "").at_once or read_pipeline(directory).get("at_once") or len(job_overrides)
    n_jobs = n_jobs or usable_cores()
    environment = _thread_variables(threads, max(1, usable_cores() // min(n_jobs, at_once)))
    n_jobs = min(n_jobs, len(job_overrides))
    logs = Path(str(config.hydra.sweep.dir)) / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    waiting = list(enumerate(job_overrides))
    running: list[_Process] = []
    outcomes: dict[int, JobOutcome] = {}
    each = counted(int(environment["OMP_NUM_THREADS"]), "thread")
    print(f"{counted(len(waiting), 'job')}, {n_jobs} at a time, {each} each; logs in {logs}", flush=True)
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                running.append(_start(config, logs, *waiting.pop(0), environment))
            for job in [job for job in running if job.process.poll() is not None]:
                running.remove(job)
                outcomes[job.index] = outcome = _outcome(job)
                took = time.monotonic() - job.started
                print(f"[{len(outcomes)}/{len(job_overrides)}] {job.name}: {outcome.status}, {took:.0f} s", flush=True)
            time.sleep(_POLL_SECONDS)
    except BaseException:
        for job in running:
            job.process.send_signal(signal.SIGINT)
        for job in running:
            job.process.wait()
        raise
    return [JobReturn(status=JobStatus.COMPLETED, _return_value=outcomes[i]) for i in range(len(job_overrides))]


def _thread_variables(asked: int | None, share: int) -> dict[str, str]:
    """Variables with a job's number of threads: what the command asks for, else what the user has set, else a share."""
    if asked is not None:
        return dict.fromkeys(_THREAD_VARIABLES, str(asked))
    default = os.environ.get(_THREAD_VARIABLES[0], str(share))
    return {variable: os.environ.get(variable, default) for variable in _THREAD_VARIABLES}


def _start(config: DictConfig, logs: Path, index: int, overrides: Sequence[str], threads: dict[str, str]) -> _Process:
    name = name_of(overrides, index)
    command = job_command(config, overrides, str(Path(str(config.hydra.sweep.dir)) / name))
    log = logs / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | {WATCHED: "1"} | threads,
            # Ctrl-C in the terminal would otherwise reach the job twice.
            start_new_session=True,
        )
    return _Process(index, name, log, process, time.monotonic())


def name_of(overrides: Sequence[str], index: int) -> str:
    """Return the name of a job from its words: that of its directory."""
    return next((word.split("=", 1)[1] for word in overrides if word.startswith("sweep.job=")), str(index))


def job_command(config: DictConfig, overrides: Sequence[str], run_dir: str) -> list[str]:
    """Return the words that run a job as a process of its own.

    Args:
        config: of the command.
        overrides: the words of the job.
        run_dir: its directory.
    """
    inherited = [str(word) for word in config.hydra.overrides.hydra if _concerns_a_job(str(word))]
    module = f"hepad.{config.hydra.job.config_name}"
    return [sys.executable, "-m", module, *inherited, *overrides, f"hydra.run.dir='{run_dir}'"]


def _concerns_a_job(word: str) -> bool:
    key = word.split("=", 1)[0].lstrip("+~")
    return not key.startswith(
        ("hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher", "hydra.mode", "hydra.run")
    )


def _outcome(job: _Process) -> JobOutcome:
    _close(job.process.stdin)
    return log_outcome(job.process.returncode, job.log)


def log_outcome(code: int, log: Path) -> JobOutcome:
    """Return how a job ended, from its exit code (below 0 for a signal) and what it printed."""
    if code == 0:
        return JobOutcome("finished")
    if code < 0:
        return JobOutcome("failed", f"killed by signal {signal.Signals(-code).name}; its log is {log}")
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip() if lines else f"exit code {code}"
    return JobOutcome("refused" if code == 2 else "failed", last.removeprefix("error: "))


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
