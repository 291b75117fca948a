"""Jobs in a pool of HTCondor: its commands stood in for by scripts that write the log that a real pool wrote."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from hepad.core.errors import JobError, JobOutcome
from hepad.pipeline.htcondor import run_in_pool
from hepad.pipeline.htcondor_files import CondorSettings, description, script
from hepad.pipeline.htcondor_log import read_log

HEAD = "({number}.000) 2026-11-28 14:27:06"
EVENTS = {
    "submitted": f"000 {HEAD} Job submitted from host: <127.0.0.1:9618>\n...\n",
    "runs": f"001 {HEAD} Job executing on host: <127.0.0.1:9618>\n\tSlotName: slot1_1@vm\n\tCpus = 1\n...\n",
    "image": f"006 {HEAD} Image size of job updated: 1\n\t1  -  MemoryUsage of job (MB)\n...\n",
    "evicted": f"004 {HEAD} Job was evicted.\n\t(0) CPU times\n\t\tUsr 0 00:00:00, Sys 0 00:00:00\n...\n",
    "held": f"012 {HEAD} Job was held.\n\tJob has used too much memory\n\tCode 34 Subcode 0\n...\n",
    "held by hand": f"012 {HEAD} Job was held.\n\tvia condor_hold (by user alice)\n\tCode 1 Subcode 0\n...\n",
    "released": f"013 {HEAD} Job was released.\n\tThe job attribute PeriodicRelease evaluated to TRUE\n...\n",
    "ended": f"005 {HEAD} Job terminated.\n\t(1) Normal termination (return value 0)\n\t\tUsr 0 00:00:05\n...\n",
    "refused": f"005 {HEAD} Job terminated.\n\t(1) Normal termination (return value 2)\n...\n",
    "killed": f"005 {HEAD} Job terminated.\n\t(0) Abnormal termination (signal 9)\n\t(0) No core file\n...\n",
    "removed": f"009 {HEAD} Job was aborted.\n\tvia condor_rm (by user alice)\n...\n",
}
CONDOR = {
    # Each job in a cluster of its own, as where their programs differ.
    "condor_submit": """for i in $(seq $(grep -c '^queue' "$2")); do echo "$i.0 - $i.0"; done""",
    "condor_q": "[ -e {place}/queued ] && echo 1",
    "condor_rm": "echo $1 >> {place}/removed",
}


def written(log: Path, *events: str, number: str = "001.000") -> None:
    with log.open("a") as file:
        file.writelines(EVENTS[event].format(number=number) for event in events)


@pytest.fixture
def sweep(tmp_path, monkeypatch) -> DictConfig:
    """The config of a sweep, with HTCondor's commands first on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in CONDOR.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text.replace('{place}', str(programs))}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    hydra = {"sweep": {"dir": str(tmp_path / "s")}, "overrides": {"hydra": []}, "job": {"config_name": "train"}}
    return OmegaConf.create({"hydra": hydra})


def outcomes(sweep: DictConfig, names: list[str], rounds: list[dict[str, list[str]]], retries: int = 1):
    """Run jobs of these names, of which each round of waiting writes some events."""
    folder = Path(sweep.hydra.sweep.dir) / ".htcondor"
    coming = iter(rounds)

    def wait(seconds: float) -> None:
        for name, events in next(coming).items():
            written(folder / f"{name}.log", *events)

    words = [[f"sweep.job={name}", "seed=1"] for name in names]
    return [
        result.return_value
        for result in run_in_pool(sweep, words, CondorSettings(retries=retries), poll_seconds=0.0, wait=wait)
    ]


def test_jobs_end_each_in_its_own_way(sweep, tmp_path, capsys):
    folder = tmp_path / "s/.htcondor"
    folder.mkdir(parents=True)
    (folder / "b.out").write_text("error: there is no such sample\n")
    rounds = [
        {name: ["submitted"] for name in "abcd"},
        {"a": ["runs", "image"], "b": ["runs", "refused"], "c": ["runs", "killed"]},
        {"a": ["evicted"], "d": ["removed"]},
        {"a": ["runs"]},
        {"a": ["ended"]},
    ]
    found = outcomes(sweep, list("abcd"), rounds)
    assert found[0] == JobOutcome("finished")
    assert found[1] == JobOutcome("refused", "there is no such sample")
    assert found[2] == JobOutcome("failed", f"killed by signal SIGKILL; its log is {folder / 'c.out'}")
    assert found[3] == JobOutcome("failed", "removed from HTCondor's queue: via condor_rm (by user alice)")
    told = capsys.readouterr().out
    assert "submitted 4 jobs: 1.0, 2.0, 3.0, 4.0" in told
    lost = told.index("a: lost its machine; HTCondor starts it again, and it goes on from its last epoch")
    assert told.index("a: runs") < lost < told.rindex("a: runs") < told.index("[4/4] a: finished")


def test_a_job_that_is_held_too_often_is_taken_back_and_one_held_by_hand_is_waited_for(sweep, tmp_path, capsys):
    rounds = [
        {"a": ["submitted", "runs", "held"], "b": ["submitted", "held by hand"]},
        {"a": ["released", "runs"]},
        {"a": ["held"]},
        {"a": ["removed"]},
        {"b": ["released", "runs", "ended"]},
    ]
    found = outcomes(sweep, ["a", "b"], rounds)
    assert found[0] == JobOutcome("failed", "HTCondor put it on hold: Job has used too much memory")
    assert found[1] == JobOutcome("finished")
    # Once, and not the one that somebody holds.
    assert (tmp_path / "bin/removed").read_text() == "1.0\n"


def test_what_still_waits_in_the_queue_is_not_submitted_again(sweep, tmp_path, capsys):
    folder = tmp_path / "s/.htcondor"
    folder.mkdir(parents=True)
    written(folder / "a.log", "submitted", number="017.003")
    (tmp_path / "bin/queued").touch()
    found = outcomes(sweep, ["a", "b"], [{"b": ["submitted", "ended"], "a": ["runs", "ended"]}])
    assert [outcome.status for outcome in found] == ["finished", "finished"]
    told = capsys.readouterr().out
    assert "a: waits in the queue as 17.3" in told
    assert "submitted 1 job: 1.0" in told
    assert not (folder / "a.sh").exists()


def test_a_refusal_of_condor_submit_is_one_line(sweep, tmp_path):
    (tmp_path / "bin/condor_submit").write_text("#!/bin/sh\necho 'ERROR: no schedd' >&2\nexit 1\n")
    with pytest.raises(JobError, match="condor_submit did not take the jobs: ERROR: no schedd; they are described in"):
        outcomes(sweep, ["a"], [])


def test_half_an_event_is_not_read_yet(tmp_path):
    log = tmp_path / "a.log"
    written(log, "submitted", "runs")
    log.write_text(log.read_text() + EVENTS["killed"].format(number="001.000").removesuffix("...\n"))
    assert not read_log(log).ended
    assert read_log(log).words == "runs"
    assert read_log(tmp_path / "none.log").number == ""


def test_the_script_is_the_command_whatever_its_words(sweep, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    text = script(["printf", "%s\\n", "a 'b'", '$HOME "x"'], "a", CondorSettings(cores=2, prologue=("echo before",)))
    assert "secret" not in text
    path = tmp_path / "job.sh"
    path.write_text(text + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    done = subprocess.run([path], cwd="/", env={}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["before", "a 'b'", '$HOME "x"']
    assert "export OMP_NUM_THREADS=2" in text


def test_the_description_asks_for_what_was_asked_for(tmp_path):
    (tmp_path / "a").mkdir()
    settings = CondorSettings(4, 1, "8GB", "2GB", 5, True, ("/data/x.h5",), (), ('+JobFlavour = "workday"',))
    lines = description(tmp_path / ".htcondor", ["a", "b"], settings).splitlines()
    for line in (
        "request_cpus = 4", "request_gpus = 1", "request_memory = 8GB", "request_disk = 2GB", "max_retries = 5",
        "when_to_transfer_output = ON_EXIT_OR_EVICT", '+JobFlavour = "workday"', f"initialdir = {tmp_path}",
        # What there is of a run goes along, and comes back.
        f"transfer_input_files = {tmp_path}/a, /data/x.h5", "transfer_input_files = /data/x.h5",
        "transfer_output_files = b",
    ):  # fmt: skip
        assert line in lines
    assert lines.count("queue") == 2
    shared = description(tmp_path / ".htcondor", ["a"], CondorSettings())
    assert "should_transfer_files = NO" in shared
    assert "transfer_output_files" not in shared
    assert "request_gpus" not in shared
