"""What a user asks for, and what is refused before Dask is imported."""

import socket
import sys
import threading
import time
from importlib import util

import pytest
from tests.runs.conftest import call

from hepad import convert, score, simulate
from hepad.cluster import Cluster, Jobs, cluster_workers, read_cluster, request
from hepad.cluster.jobs import job_cluster
from hepad.core.errors import UserError

JOBS = {"cores": 1, "memory": "4GB", "disk": "1GB", "walltime": None, "queue": None, "account": None}


def refused(word, **jobs):
    began = time.monotonic()
    with pytest.raises(UserError) as raised:
        read_cluster(word, 2, {**JOBS, **jobs})
    assert time.monotonic() - began < 5
    assert "\n" not in str(raised.value)
    return str(raised.value)


def listener(greeting: bytes):
    """Return the address of what greets whoever connects, once."""
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        with server, server.accept()[0] as connection:
            connection.sendall(greeting)

    threading.Thread(target=greet, daemon=True).start()
    return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_scheduler_that_is_not_there():
    assert "no scheduler answers there (Connection refused); start one with `dask scheduler`" in refused(
        "tcp://127.0.0.1:9"
    )
    assert "no scheduler answers there" in refused("tcp://no-such-host.invalid:8786")
    assert "no scheduler answers there" in refused("tcp://127.0.0.1:99999")


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b""], ids=["ssh", "silent"])
def test_what_listens_and_is_no_scheduler(greeting):
    assert "what listens there is no scheduler of Dask's" in refused(listener(greeting))


@pytest.mark.parametrize(("word", "package"), [("local", "distributed"), ("slurm", "dask_jobqueue")])
def test_a_package_that_is_not_installed(monkeypatch, word, package):
    known = util.find_spec
    monkeypatch.setattr(request, "find_spec", lambda name: None if name == package else known(name))
    assert refused(word) == f'cluster={word} needs Dask: pip install "hepad[cluster]"'


@pytest.mark.parametrize(("word", "command"), [("slurm", "sbatch"), ("htcondor", "condor_submit")])
def test_a_batch_system_that_is_not_there(monkeypatch, word, command):
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused(word) == f"cluster={word}: there is no command {command} here; submit from a machine that has it"


@pytest.mark.parametrize("setting", [{"walltime": "01:00:00"}, {"queue": "long"}, {"account": "cms"}])
def test_settings_of_slurm_mean_nothing_to_htcondor(setting):
    assert f"jobs.{next(iter(setting))}=" in refused("htcondor", **setting)
    assert "jobs.extra" in refused("htcondor", **setting)


@pytest.mark.parametrize("command", [score, convert, simulate], ids=lambda command: command.__name__.split(".")[-1])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cluster=dask"], "cluster=dask: local, slurm, htcondor or the address of a scheduler"),
        (["cluster=http://localhost:80"], "tcp://HOST:PORT, is needed"),
        (["cluster=local", "jobs.memory=4"], "jobs.memory=4: a size such as 4GB is needed"),
        (["cluster=slurm", "jobs.walltime=soon"], "jobs.walltime=soon: a time such as 02:00:00"),
        (["cluster=tcp://127.0.0.1:9"], "no scheduler answers there"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_commands_refuse_it_in_one_line_and_write_nothing(tmp_path, command, words, said):
    (tmp_path / "in.csv").write_text("pt,eta\n1,2\n")
    given = {
        score: ["run=.", "input=in.csv", "output=out.h5"],
        convert: ["input=in.csv", "output=out.h5"],
        simulate: ["samples=[soft_qcd]", "n_events=1", "output=out"],
    }
    done = call(command.main, tmp_path, *given[command], *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_the_job_of_slurm_is_what_is_asked_for():
    jobs = Jobs(
        4, "16GB", queue="short", account="cms", walltime="02:30:00", extra=("--qos=fast",), prologue=("source env",)
    )
    with job_cluster(Cluster("slurm", 8, jobs), []) as cluster:
        script = cluster.job_script()
    for line in (
        "#SBATCH -p short", "#SBATCH -A cms", "#SBATCH -n 1", "#SBATCH --cpus-per-task=4", "#SBATCH --mem=15G",
        "#SBATCH -t 02:30:00", "#SBATCH --qos=fast", "source env",
    ):  # fmt: skip
        assert line in script.splitlines()
    assert f"{sys.executable} -m distributed.cli.dask_worker" in script
    # Four workers of one thread.
    assert "--nthreads 1 " in script
    assert "--nworkers 4 " in script


def test_the_job_of_htcondor_is_what_is_asked_for():
    jobs = Jobs(2, "8GB", disk="3GB", extra=('+JobFlavour = "workday"',))
    with job_cluster(Cluster("htcondor", 2, jobs), []) as cluster:
        lines = cluster.job_script().splitlines()
    assert "RequestCpus = MY.DaskWorkerCores" in lines
    assert "MY.DaskWorkerCores = 2" in lines
    assert '+JobFlavour = "workday"' in lines
    assert any(line.startswith("MY.DaskWorkerDisk = 3000000000") for line in lines)
    with pytest.raises(UserError, match="HTCondor takes lines such as"):
        job_cluster(Cluster("htcondor", 2, Jobs(extra=("workday",))), [])


def test_what_the_batch_system_says_of_a_job_that_it_does_not_take(tmp_path, monkeypatch, capfd):
    sbatch = tmp_path / "sbatch"
    sbatch.write_text("#!/bin/sh\necho sbatch: error: invalid partition: nowhere >&2\nexit 1\n")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    cluster = read_cluster("slurm", 2, JOBS)
    with (
        pytest.raises(UserError, match=r"^cluster=slurm: sbatch: error: invalid partition: nowhere$"),
        cluster_workers(cluster),
    ):
        pass
    assert capfd.readouterr().err == ""
