"""Jobs as processes on this machine: each is the command itself, with its own words.

Not joblib: where one of its workers dies, of memory say, the whole sweep ends with it.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig

from hepad.outcome import JobOutcome

WATCHED: Final = "HEPAD_ENDS_WITH_STDIN"
"""Set in the environment of a job whose end its parent watches over."""

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
        threads: of each; None to share the cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    n_jobs = min(n_jobs or cores, len(job_overrides))
    threads = threads or max(1, cores // n_jobs)
    logs = Path(str(config.hydra.sweep.dir)) / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    waiting = list(enumerate(job_overrides))
    running: list[_Process] = []
    outcomes: dict[int, JobOutcome] = {}
    print(f"{len(waiting)} jobs, {n_jobs} at a time, {threads} threads each; logs in {logs}", flush=True)
    try:
        while waiting or running:
            while waiting and len(running) < n_jobs:
                running.append(_start(config, logs, *waiting.pop(0), threads))
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


def end_with_parent() -> None:
    """Interrupt this process, as Ctrl-C would, when the process that started it is gone; for jobs of a sweep."""
    if os.environ.pop(WATCHED, None) is None:
        return

    def watch() -> None:
        # Not through sys.stdin, whose lock Python wants back when it exits.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def _start(config: DictConfig, logs: Path, index: int, overrides: Sequence[str], threads: int) -> _Process:
    name = next((word.split("=", 1)[1] for word in overrides if word.startswith("sweep.job=")), str(index))
    inherited = [str(word) for word in config.hydra.overrides.hydra if _concerns_a_job(str(word))]
    run_dir = Path(str(config.hydra.sweep.dir)) / name
    command = [sys.executable, "-m", f"hepad.{config.hydra.job.config_name}", *inherited, *overrides]
    environment = os.environ | {WATCHED: "1"} | {variable: str(threads) for variable in _THREAD_VARIABLES}
    log = logs / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, f"hydra.run.dir='{run_dir}'"],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            # Ctrl-C in the terminal would otherwise reach the job twice.
            start_new_session=True,
        )
    return _Process(index, name, log, process, time.monotonic())


def _concerns_a_job(word: str) -> bool:
    key = word.split("=", 1)[0].lstrip("+~")
    return not key.startswith(
        ("hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher", "hydra.mode", "hydra.run")
    )


def _outcome(job: _Process) -> JobOutcome:
    _close(job.process.stdin)
    code = job.process.returncode
    if code == 0:
        return JobOutcome("finished")
    if code < 0:
        return JobOutcome("failed", f"killed by signal {signal.Signals(-code).name}; its log is {job.log}")
    lines = [line for line in job.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1].strip() if lines else f"exit code {code}"
    return JobOutcome("refused" if code == 2 else "failed", last.removeprefix("error: "))


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
