"""Launchers: jobs in other processes, whatever becomes of those."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, OmegaConf
from submitit.core.utils import UncompletedJobError

from hepad.core.errors import JobOutcome
from hepad.pipeline.job_processes import run_processes
from hepad.pipeline.slurm import submit
from hepad.pipeline.sweep_record import SweepRecord
from hepad.rundir.locking import RunStatus, run_status
from tests.runs.killing import start

SHORT = ["data.limit=300", "trainer.max_epochs=2", "evaluation.plots=false", "logger=none"]


def rows_of(directory: Path) -> dict[str, dict[str, str]]:
    rows = csv.DictReader((directory / "multirun/s/sweep.csv").read_text().splitlines())
    return {row["job"]: row for row in rows}


def wait_for(condition, process, seconds: float = 300.0) -> None:
    """Wait for what jobs in processes of their own do, each of which imports torch first; `process` started them."""
    end = time.monotonic() + seconds
    try:
        while not condition():
            assert process is None or running(process)
            assert time.monotonic() < end
            time.sleep(0.05)
    except BaseException:
        if process is not None:
            process.kill()
            (process.wait if isinstance(process, subprocess.Popen) else process.join)()
        raise


def running(process) -> bool:
    return process.poll() is None if isinstance(process, subprocess.Popen) else process.is_alive()


@pytest.mark.thorough
def test_a_sweep_killed_with_its_processes_goes_on_with_any_launcher(run_train, own_samples, tmp_path):
    words = ["sweep.name=s", "seed=1,2", *own_samples, *SHORT, "trainer.max_epochs=100"]
    launcher = ["hydra/launcher=processes", "hydra.launcher.n_jobs=1"]
    command = [sys.executable, "-m", "hepad.train", "-m", *launcher, *words]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = tmp_path / "multirun/s/seed.1"
    wait_for((run / "history.csv").is_file, process)
    assert run_status(run) is RunStatus.RUNNING
    process.kill()
    process.wait()
    # The job notices that nobody waits for it any more.
    wait_for(lambda: run_status(run) is RunStatus.INTERRUPTED, None)
    epochs = len((run / "history.csv").read_text().splitlines()) - 1
    assert 0 < epochs < 100

    done = run_train("-m", *words)
    assert "seed.1: goes on" in done.out
    rows = rows_of(tmp_path)
    assert {row["status"] for row in rows.values()} == {"finished"}
    assert int(rows["seed.1"]["epochs"]) > epochs


def stand_in(directory: Path, monkeypatch, script: str) -> DictConfig:
    """Let a shell script stand in for Python in the jobs of a sweep; return the config of its command."""
    python = directory / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    hydra = {"sweep": {"dir": str(directory)}, "overrides": {"hydra": []}, "job": {"config_name": "train"}}
    return OmegaConf.create({"hydra": hydra})


def test_a_job_that_is_killed_takes_no_other_down(tmp_path, monkeypatch):
    # The first job is killed as the kernel does when memory runs out, the second is fine, the third is refused.
    config = stand_in(
        tmp_path,
        monkeypatch,
        """
        case "$*" in
            *job=first*) kill -9 $$ ;;
            *job=third*) echo "error: no"; exit 2 ;;
            *) echo "$OMP_NUM_THREADS threads" ;;
        esac
        """,
    )
    results = run_processes(
        config, [[f"sweep.job={name}"] for name in ("first", "second", "third")], n_jobs=1, threads=3
    )
    killed, finished, refused = (result.return_value for result in results)
    log = tmp_path / "logs/first.log"
    assert killed == JobOutcome("failed", f"killed by signal {signal.SIGKILL.name}; its log is {log}")
    assert finished == JobOutcome("finished")
    assert refused == JobOutcome("refused", "no")
    assert (tmp_path / "logs/second.log").read_text() == "3 threads\n"


@pytest.mark.parametrize(
    ("environment", "asked", "expected"),
    [({}, None, "1 1"), ({"OMP_NUM_THREADS": "2"}, None, "2 2"), ({"OMP_NUM_THREADS": "2"}, 3, "3 3")],
    ids=["shared out", "set by the user", "asked for"],
)
def test_the_last_job_of_a_sweep_gets_the_threads_it_would_have_had_among_all(
    tmp_path, monkeypatch, environment, asked, expected
):
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("hepad.pipeline.job_processes.usable_cores", lambda: 4)
    config = stand_in(tmp_path, monkeypatch, "echo $OMP_NUM_THREADS $MKL_NUM_THREADS")
    names = [f"seed.{seed}" for seed in range(5)]
    SweepRecord("s", settings={name: {} for name in names}, at_once=5).write(tmp_path)
    run_processes(config, [[f"sweep.job={names[2]}"]], n_jobs=None, threads=asked)
    assert (tmp_path / "logs/seed.2.log").read_text() == f"{expected}\n"


@pytest.mark.thorough
def test_a_sweep_records_how_many_jobs_share_the_cores(run_train, own_samples, tmp_path):
    record = tmp_path / "multirun/s/sweep.json"
    assert run_train("-m", "sweep.name=s", "seed=1,2,3", *own_samples, *SHORT).code == 0
    assert json.loads(record.read_text())["at_once"] == 3
    # One of its jobs alone is still one of three.
    assert run_train("-m", "sweep.name=s", "seed=range(2,3)", *own_samples, *SHORT).code == 0
    assert json.loads(record.read_text())["at_once"] == 3


def test_slurm_s_stand_in_runs_a_job(run_train, own_samples, tmp_path):
    done = run_train("-m", "hydra/launcher=slurm_local", "sweep.name=s", "seed=range(1,2)", *own_samples, *SHORT)
    assert done.code == 0, done.err
    assert rows_of(tmp_path)["seed.1"]["status"] == "finished"
    assert (tmp_path / "multirun/s/seed.1/report.html").is_file()


def test_without_slurm_its_launcher_is_refused(run_train, own_samples, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    done = run_train("-m", "hydra/launcher=slurm", "seed=1,2", *own_samples, *SHORT)
    assert done.code == 2
    assert "slurm_local" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "multirun").exists()


class Job:
    """A job of submitit whose process was killed, or not."""

    job_id = "17"
    paths = SimpleNamespace(stdout="17_log.out")

    def __init__(self, result: JobReturn | None) -> None:
        self.result = result

    def results(self) -> list[JobReturn]:
        if self.result is None:
            raise UncompletedJobError("Job 17 has not produced any output (state: OUT_OF_MEMORY)")
        return [self.result]


def test_a_slurm_job_that_is_killed_takes_no_other_down(monkeypatch):
    fine = JobReturn(status=JobStatus.COMPLETED, _return_value=JobOutcome("finished"))
    submitted: dict[str, object] = {}

    class Executor:
        def __init__(self, **settings: object) -> None:
            submitted.update(settings)

        def update_parameters(self, **parameters: object) -> None:
            submitted.update(parameters)

        def map_array(self, function: object, *arguments: Sequence[object]) -> list[Job]:
            return [Job(fine if words == ["seed=1"] else None) for words in arguments[0]]

    monkeypatch.setattr("submitit.AutoExecutor", Executor)
    parameters = {"submitit_folder": "here", "max_num_timeout": 2, "timeout_min": 5, "partition": "short"}
    results = submit(SimpleNamespace(params=parameters), "slurm", [["seed=0"], ["seed=1"]], 0)
    killed, finished = (result.return_value for result in results)
    assert finished == JobOutcome("finished")
    assert killed.status == "failed"
    assert "OUT_OF_MEMORY" in killed.reason
    assert "17_log.out" in killed.reason
    assert submitted == {
        "folder": "here",
        "cluster": "slurm",
        "slurm_max_num_timeout": 2,
        "timeout_min": 5,
        "slurm_partition": "short",
    }


@pytest.mark.parametrize(
    ("launcher", "number"), [("basic", signal.SIGINT), ("processes", signal.SIGTERM)], ids=["ctrl-c", "sigterm"]
)
def test_a_sweep_that_is_stopped_sums_up_what_there_is(own_samples, tmp_path, launcher, number):
    one_after_another = ["hydra.launcher.n_jobs=1"] if launcher == "processes" else []
    words = ["-m", f"hydra/launcher={launcher}", *one_after_another, "sweep.name=s", "seed=1,2,3", *own_samples, *SHORT]
    process = start(tmp_path, [*words, "trainer.max_epochs=150", "callbacks.early_stopping=null"])
    # The second job is stopped, the third never begins.
    wait_for(lambda: (tmp_path / "multirun/s/seed.2/checkpoints/last.ckpt").is_file(), process)
    os.kill(process.pid, number)
    process.join()
    log = (tmp_path / "log.txt").read_text()
    assert process.exitcode == 128 + number, log
    assert "Traceback" not in log
    assert "the sweep is stopped; the same command again goes on with it" in log
    rows = rows_of(tmp_path)
    assert {job: row["status"] for job, row in rows.items()} == {
        "seed.1": "finished",
        "seed.2": "interrupted",
        "seed.3": "not started",
    }
    metrics = json.loads((tmp_path / "multirun/s/seed.1/metrics.json").read_text())
    area = "test/auc/signal_vs_background"
    assert float(rows["seed.1"][area]) == metrics[area]
    assert "The sweep was stopped" in (tmp_path / "multirun/s/sweep.html").read_text()
