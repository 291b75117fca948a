"""`resume=DIR`: a run that was killed at any moment ends as one left alone, bit for bit."""

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from hepad import evaluate, train
from hepad.core.names import python_command
from hepad.models import ReconstructionModel
from hepad.rundir.locking import RunStatus, run_status
from tests.runs.conftest import call, two_samples
from tests.runs.killing import start
from tests.runs.wandb_records import records, summary

# Dropout draws random numbers, and at this rate the learning rate is halved in most epochs: both must be restored.
# Two epochs or more are the best so far, so that best.ckpt is replaced.
NOISY = ["model.dropout=0.2", "optimizer.lr=0.03", "scheduler=plateau", "scheduler.patience=0", "data.batch_size=64"]
SHORT = ["trainer.max_epochs=5", "logger=none", "evaluation.plots=false", *NOISY]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples and a run, `whole`, that nobody disturbed."""
    directory = tmp_path_factory.mktemp("resuming")
    done = call(train.main, directory, *two_samples(directory), *SHORT, "hydra.run.dir=whole")
    assert done.code == 0, done.err
    rates = [row.split(",")[-1] for row in (directory / "whole/history.csv").read_text().splitlines()[1:]]
    assert len(set(rates)) > 2
    return directory


def words(place: Path, *more: str) -> list[str]:
    return [
        "data.bundled=false",
        "data.background=background",
        f"data.samples.background={place}/background.h5",
        f"data.samples.signal={place}/signal.h5",
        *SHORT,
        *more,
    ]


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints" / name, weights_only=True)["state_dict"]


def assert_same_run(run: Path, whole: Path) -> None:
    """Weights, history and every number are the same, and nothing is left of the stop."""
    for name in ("best.ckpt", "last.ckpt"):
        left, right = weights(run, name), weights(whole, name)
        assert left.keys() == right.keys()
        for key, values in left.items():
            assert torch.equal(values, right[key]), (name, key)
    for name in ("history.csv", "metrics.json", "scores.h5"):
        assert (run / name).read_bytes() == (whole / name).read_bytes(), name
    assert run_status(run) is RunStatus.FINISHED
    assert not list(run.rglob(".*"))


@pytest.mark.parametrize(
    "moment",
    [
        ("provenance.json", 0),  # config.yaml is written, nothing else
        ("step", 7),  # in the first epoch
        ("step", 27),  # in the third
        ("last.ckpt", 1),  # the new one lies aside, the old one has become the previous one
        ("best.ckpt", 1),
        ("history.csv", 4),  # at the end of the last epoch
        ("scores.h5", 0),  # while it is evaluated
        ("report.html", 0),
    ],
    ids=lambda moment: f"{moment[0]}-{moment[1]}",
)
def test_killed_at_a_moment_and_resumed(place, tmp_path, moment):
    process = start(tmp_path, words(place, "hydra.run.dir=run"), moment)
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "log.txt").read_text()
    assert run_status(tmp_path / "run") is RunStatus.INTERRUPTED
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert_same_run(tmp_path / "run", place / "whole")
    assert not (tmp_path / "outputs").exists()


def test_killed_from_outside_at_any_time_again_and_again(place, tmp_path):
    run, command = tmp_path / "run", words(place, "hydra.run.dir=run")
    waits = random.Random()
    for _ in range(3):
        process = start(tmp_path, command)
        while run_status(run) is not RunStatus.RUNNING or not (run / "provenance.json").exists():
            assert process.is_alive(), (tmp_path / "log.txt").read_text()
            time.sleep(0.005)
        time.sleep(waits.uniform(0, 0.25))
        process.kill()
        process.join()
        if run_status(run) is RunStatus.FINISHED:
            break
        command = ["resume=run"]
    assert call(train.main, tmp_path, "resume=run").code == 0
    assert_same_run(run, place / "whole")


def stopped(place: Path, directory: Path, moment: tuple[str, int] = ("step", 27), *more: str) -> Path:
    """Return the directory of a run that was killed, in its third epoch unless `moment` says otherwise."""
    process = start(directory, words(place, "hydra.run.dir=run", *more), moment)
    process.join()
    assert process.exitcode == -signal.SIGKILL, (directory / "log.txt").read_text()
    return directory / "run"


@pytest.fixture(scope="module")
def broken(place, tmp_path_factory):
    """The directory of a run that was killed in its third epoch; tests work on copies."""
    return stopped(place, tmp_path_factory.mktemp("broken"))


@pytest.fixture
def copy(broken, tmp_path):
    """A copy of the broken run, in another place than where it began."""
    return Path(shutil.copytree(broken, tmp_path / "moved"))


def test_a_run_that_was_moved_goes_on_where_it_is_now(copy, place):
    before = {path: path.read_bytes() for path in copy.parent.rglob("*") if path.is_file()}
    assert before
    done = call(train.main, copy.parent, "resume=moved")
    assert done.code == 0, done.err
    assert_same_run(copy, place / "whole")
    assert str(copy) in (copy / "config.yaml").read_text()


def test_a_damaged_last_checkpoint_falls_back_to_the_one_before_and_says_so(copy, place):
    last = copy / "checkpoints/last.ckpt"
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 0xFF
    last.write_bytes(content)
    done = call(train.main, copy.parent, "resume=moved")
    assert done.code == 0, done.err
    assert "last.ckpt cannot be read" in done.out
    assert "going on from previous.ckpt, one epoch earlier" in done.out
    assert_same_run(copy, place / "whole")
    (entry,) = json.loads((copy / "provenance.json").read_text())["resumed"]
    assert (entry["from"], entry["because"]) == ("previous.ckpt", "last.ckpt cannot be read (a checksum is wrong)")
    page = (copy / "report.html").read_text()
    note = (
        "went on from previous.ckpt, one epoch earlier than it had come: last.ckpt cannot be read (a checksum is wrong)"
    )
    assert note in page
    # Behind the answer and its table, before all else.
    assert page[: page.index(note)].count("<table") == 1
    assert call(evaluate.main, copy.parent, "run=moved", "in_place=true", "evaluation.plots=false").code == 0
    assert note in (copy / "report.html").read_text()


def test_a_run_goes_on_with_as_many_threads_as_it_began_with(copy, place, monkeypatch):
    facts = json.loads((copy / "provenance.json").read_text())
    began, now = facts["threads"], facts["threads"] + 1
    counts = set()
    step = ReconstructionModel.training_step

    def counting(model, batch, batch_idx):
        counts.add(torch.get_num_threads())
        return step(model, batch, batch_idx)

    monkeypatch.setattr(ReconstructionModel, "training_step", counting)
    monkeypatch.setenv("OMP_NUM_THREADS", str(now))
    torch.set_num_threads(now)
    try:
        done = call(train.main, copy.parent, "resume=moved")
        assert torch.get_num_threads() == now
    finally:
        torch.set_num_threads(began)
    assert done.code == 0, done.err
    assert counts == {began}
    assert f"as the run began (not {now})" in done.out
    assert os.environ["OMP_NUM_THREADS"] == str(now)
    assert_same_run(copy, place / "whole")
    facts = json.loads((copy / "provenance.json").read_text())
    assert (facts["threads"], [resumed["threads"] for resumed in facts["resumed"]]) == (began, [began])


def test_where_threads_cannot_be_chosen_the_evidence_stays(copy, monkeypatch):
    path = copy / "provenance.json"
    facts = json.loads(path.read_text()) | {"threads": 7}
    path.write_text(json.dumps(facts))
    now = torch.get_num_threads()
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    done = call(train.main, copy.parent, "resume=moved")
    assert done.code == 0, done.err
    assert f"the run began with 7 threads, here there are {now}: the last bits" in done.out
    facts = json.loads(path.read_text())
    assert (facts["threads"], [resumed["threads"] for resumed in facts["resumed"]]) == (7, [now])


def test_a_run_that_stopped_early_stays_stopped(place, tmp_path):
    early = ["callbacks.early_stopping.patience=1", "trainer.max_epochs=30"]
    done = call(train.main, tmp_path, *words(place, "hydra.run.dir=whole", *early))
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "whole/provenance.json").read_text())["epochs"] < 30
    for moment in (("scores.h5", 0), ("step", 14)):
        run = stopped(place, tmp_path, moment, *early)
        assert call(train.main, tmp_path, "resume=run").code == 0
        assert_same_run(run, tmp_path / "whole")
        shutil.rmtree(run)


def test_a_finished_run_is_left_alone_and_trains_longer_on_request(place, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(place / "whole", run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0
    assert "is finished" in done.out
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    shorter = call(train.main, tmp_path, "resume=run", "trainer.max_epochs=3")
    assert (shorter.code, shorter.err.count("\n")) == (2, 1)
    assert "is finished after 5 epochs; there is nothing to resume" in shorter.err
    (run / "metrics.json").unlink()
    assert call(train.main, tmp_path, "resume=run").code == 0
    assert_same_run(run, place / "whole")
    assert call(train.main, tmp_path, "resume=run", "trainer.max_epochs=7").code == 0
    longer = call(train.main, tmp_path, *words(place, "hydra.run.dir=longer", "trainer.max_epochs=7"))
    assert longer.code == 0, longer.err
    assert_same_run(run, tmp_path / "longer")


def test_the_teacher_of_a_student_is_resumed_too(place, tmp_path):
    student = ["model=distilled", "model.teacher_overrides={model:vae}", "trainer.max_epochs=2"]
    plain = [word for word in words(place) if not word.startswith(("model.", "optimizer."))]
    assert call(train.main, tmp_path, *plain, *student, "hydra.run.dir=whole").code == 0
    # Two epochs of the teacher write last.ckpt twice, as do those of the student.
    for spared in (1, 3):
        process = start(tmp_path, [*plain, *student, "hydra.run.dir=run"], ("last.ckpt", spared))
        process.join()
        assert process.exitcode == -signal.SIGKILL, (tmp_path / "log.txt").read_text()
        done = call(train.main, tmp_path, "resume=run")
        assert done.code == 0, done.err
        assert_same_run(tmp_path / "run", tmp_path / "whole")
        assert_same_run(tmp_path / "run/teacher", tmp_path / "whole/teacher")
        shutil.rmtree(tmp_path / "run")


def test_models_with_two_optimisers_and_steps_of_their_own(place, tmp_path):
    plain = [word for word in words(place) if not word.startswith(("model.", "optimizer.", "scheduler"))]
    game = ["model=gan", "data=events", "trainer.max_epochs=3"]
    assert call(train.main, tmp_path, *plain, *game, "hydra.run.dir=whole").code == 0
    process = start(tmp_path, [*plain, *game, "hydra.run.dir=run"], ("history.csv", 2))
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "log.txt").read_text()
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert_same_run(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_a_signal_ends_cleanly_with_a_run_that_can_be_resumed(place, tmp_path, monkeypatch, number, code):
    # The command that is printed is for where the user stands.
    monkeypatch.chdir(tmp_path)
    command = words(place, "hydra.run.dir=run", "logger=wandb", "trainer.max_epochs=1000")
    process = start(tmp_path, [*command, "callbacks.early_stopping=null"])
    run = tmp_path / "run"
    while not (run / "checkpoints/previous.ckpt").exists():
        assert process.is_alive(), (tmp_path / "log.txt").read_text()
        time.sleep(0.01)
    os.kill(process.pid, number)
    process.join()
    log = (tmp_path / "log.txt").read_text()
    assert process.exitcode == code, log
    assert (
        log.splitlines()[-1] == f"stopped by {number.name}; go on with: {python_command()} -m hepad.train resume={run}"
    )
    assert "Traceback" not in log
    facts = json.loads((run / "provenance.json").read_text())
    assert (facts["status"], facts["reason"]) == ("interrupted", f"stopped by {number.name}")
    assert run_status(run) is RunStatus.INTERRUPTED
    assert summary(records(run)[0])["exit_code"] == code
    epochs = len((run / "history.csv").read_text().splitlines()) - 1
    done = call(train.main, tmp_path, "resume=run", f"trainer.max_epochs={epochs + 1}")
    assert done.code == 0, done.err
    ids = {path.name.rsplit("-", 1)[1] for path in (run / "wandb").glob("offline-run-*")}
    assert len(ids) == 1
