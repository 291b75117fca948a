"""Pipelines end to end: a stage that fails, going on with it, and targets that are given as a file."""

import json
import shutil
import signal
from pathlib import Path

import h5py
import pytest
import yaml

from hepad import evaluate, train
from hepad.pipeline.running import stage_statuses
from hepad.rundir.locking import RunStatus, run_status
from tests.runs.conftest import call, two_samples
from tests.runs.killing import start

QUICK = ["logger=none", "trainer.max_epochs=2", "data.batch_size=64", "evaluation.plots=false"]
STUDENT = ["model=distilled", "model.teacher_overrides={model:vae}"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples and a student, `whole`, whose pipeline nobody disturbed."""
    directory = tmp_path_factory.mktemp("pipelines")
    done = call(train.main, directory, *two_samples(directory), *QUICK, *STUDENT, "hydra.run.dir=whole")
    assert done.code == 0, done.err
    return directory


def words(place: Path, *more: str) -> list[str]:
    samples = [f"data.samples.{name}={place}/{name}.h5" for name in ("background", "signal")]
    return ["data.bundled=false", "data.background=background", *samples, *QUICK, *more]


def same_numbers(run: Path, whole: Path) -> bool:
    return all((run / name).read_bytes() == (whole / name).read_bytes() for name in ("metrics.json", "scores.h5"))


def test_the_stages_exchange_files(place):
    run = place / "whole"
    assert stage_statuses(run) == {"teacher": "finished", "targets": "finished", "student": "finished"}
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["targets"] == str(run / "targets.h5")
    with h5py.File(run / "targets.h5") as file, h5py.File(run / "teacher/scores.h5") as scores:
        assert file.attrs["teacher"] == str(run / "teacher")
        assert file.attrs["model"] == "vae"
        # The teacher's own evaluation scores signals in batches of another size.
        assert file["signal/score"][:] == pytest.approx(scores["signal/score"][:], rel=1e-5)
        # Its own half of the training part is not among the targets.
        assert len(file["background/score"]) == 400 - 120


@pytest.mark.parametrize(
    "moment",
    [("pipeline.json", 0), ("targets.h5", 0), ("pipeline.json", 5)],
    ids=["before any stage", "while targets are written", "before the student"],
)
def test_a_pipeline_killed_between_stages_ends_as_one_left_alone(place, tmp_path, moment):
    process = start(tmp_path, words(place, *STUDENT, "hydra.run.dir=run"), moment)
    process.join()
    assert process.exitcode == -signal.SIGKILL, (tmp_path / "log.txt").read_text()
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert same_numbers(tmp_path / "run", place / "whole")
    assert same_numbers(tmp_path / "run/teacher", place / "whole/teacher")
    assert "resumed" not in json.loads((tmp_path / "run/provenance.json").read_text())
    assert not list((tmp_path / "run").rglob(".*"))


def test_a_teacher_that_diverges_is_named_and_another_one_may_take_its_place(place, tmp_path):
    bad = ["model=distilled", "model.teacher_overrides={model:vae,optimizer.lr:1e30}"]
    done = call(train.main, tmp_path, *words(place, *bad, "hydra.run.dir=run"))
    assert (done.code, done.err.count("\n")) == (1, 1), done.err
    assert done.err.startswith("error: stage teacher failed: the training diverged")
    assert "(targets, student could not begin)" in done.err
    assert done.err.strip().endswith(f"-m hepad.train resume={tmp_path / 'run'}")
    run = tmp_path / "run"
    assert stage_statuses(run) == {"teacher": "failed", "targets": "waiting", "student": "waiting"}
    assert (run / "teacher/config.yaml").is_file()
    assert run_status(run) is RunStatus.INTERRUPTED
    shutil.rmtree(run / "teacher")
    shutil.copytree(place / "whole/teacher", run / "teacher")
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert same_numbers(run, place / "whole")


def test_a_stage_that_fails_once_is_done_again_and_nothing_else_is(place, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hepad.pipeline.distillation.write_row_scores", full)
        done = call(train.main, tmp_path, *words(place, *STUDENT, "hydra.run.dir=run"))
    assert done.code == 1
    assert "stage targets failed: OSError: [Errno 28] No space left on device (student could not begin)" in done.err
    before = (tmp_path / "run/teacher/checkpoints/best.ckpt").stat().st_mtime_ns
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert "training the teacher" not in done.out
    assert (tmp_path / "run/teacher/checkpoints/best.ckpt").stat().st_mtime_ns == before
    assert same_numbers(tmp_path / "run", place / "whole")


def test_targets_of_another_teacher_are_made_anew(place, tmp_path):
    shutil.copytree(place / "whole", tmp_path / "run")
    (tmp_path / "run/metrics.json").unlink()
    with h5py.File(tmp_path / "run/targets.h5", "r+") as file:
        file.attrs["checkpoint_sha256"] = "another"
        file["signal/score"][:] = 1.0
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert same_numbers(tmp_path / "run", place / "whole")


def test_a_student_learns_a_file_of_targets_without_a_teacher(place, tmp_path):
    targets = place / "whole/targets.h5"
    given = [f"data.targets={targets}", "data.half=second", "model=distilled", "hydra.run.dir=run"]
    done = call(train.main, tmp_path, *words(place, *given))
    assert done.code == 0, done.err
    assert not (tmp_path / "run/pipeline.json").exists()
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert "test/student/spearman/background" in metrics
    again = call(evaluate.main, tmp_path, "run=run", "name=again", "logger=none")
    assert again.code == 0, again.err
    assert json.loads((tmp_path / "run/evaluations/again/metrics.json").read_text()) == metrics
    # Rows that no target is known of cannot be compared, and that is said.
    other = call(evaluate.main, tmp_path, "run=run", "name=other", f"data.samples.more={place}/signal.h5")
    assert other.code == 0, other.err
    assert "no scores of more" in (tmp_path / "run/evaluations/other/report.html").read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["model=distilled", "data.targets={file}", "data.half=first"], "background: no score of 120 of 120 entries"),
        (["model=distilled", "data.targets={file}", "data.half=second", "data.samples.more=signal.h5"], "of more"),
        (["model=dense_ae", "data.targets={file}"], "learns no targets; leave data.targets out"),
        (["model=distilled", "data.targets=nowhere.h5"], "data.targets: no file nowhere.h5"),
    ],
    ids=["other half", "other sample", "model without targets", "no file"],
)
def test_targets_that_do_not_fit_are_refused_before_anything_is_written(place, given, said):
    file = place / "whole/targets.h5"
    done = call(train.main, place, *words(place, *(word.format(file=file) for word in given), "hydra.run.dir=refused"))
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (place / "refused").exists()
