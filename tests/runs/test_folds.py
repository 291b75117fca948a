"""`data.folds=K`: K runs, and every entry of what is trained on scored by the model that has not seen it."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad import compare, evaluate, train
from hepad.rundir.locking import RunStatus, run_status
from tests.runs.conftest import call, two_samples

QUICK = ["logger=none", "trainer.max_epochs=2", "data.batch_size=64", "evaluation.plots=false", "data=events"]
MODEL = ["model=td_ae"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples and a pipeline of three folds, `run`."""
    directory = tmp_path_factory.mktemp("folds")
    done = call(train.main, directory, *two_samples(directory), *MODEL, *QUICK, "data.folds=3", "hydra.run.dir=run")
    assert done.code == 0, done.err
    return directory


def read(path: Path):
    return json.loads(path.read_text())


def columns(path: Path, sample: str):
    with h5py.File(path) as file:
        return file[f"{sample}/index"][:], file[f"{sample}/score"][:]


def test_every_entry_is_scored_once_by_the_model_that_has_not_seen_it(place):
    index, score = columns(place / "run/scores.h5", "background")
    np.testing.assert_array_equal(index, np.arange(400))
    tested = []
    for fold in range(3):
        rows, own = columns(place / f"run/fold{fold}/scores.h5", "background")
        np.testing.assert_array_equal(score[rows], own)
        tested.append(rows)
        assert len(rows) == read(place / f"run/fold{fold}/provenance.json")["data"]["background"]["tested"]
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), index)


def test_other_samples_have_the_mean_over_the_folds_and_the_file_says_so(place):
    index, score = columns(place / "run/scores.h5", "signal")
    each = [columns(place / f"run/fold{fold}/scores.h5", "signal") for fold in range(3)]
    assert all((rows == index).all() for rows, _ in each)
    np.testing.assert_allclose(score, np.mean([own for _, own in each], axis=0), rtol=1e-6)
    with h5py.File(place / "run/scores.h5") as file:
        assert file.attrs["folds"] == 3
        assert "an entry of any other sample by the mean over the 3 models" in file.attrs["scored_by"]


def test_the_pipeline_is_evaluated_as_a_run_is(place):
    metrics = read(place / "run/metrics.json")
    assert 0 < metrics["test/auc/signal_vs_background"] <= 1
    assert metrics["test/auc/signal_vs_background/low"] <= metrics["test/auc/signal_vs_background"]
    facts = read(place / "run/provenance.json")
    assert facts["fold_runs"] == ["fold0", "fold1", "fold2"]
    assert facts["data"]["background"]["tested"] == 400
    assert run_status(place / "run") is RunStatus.FINISHED
    page = (place / "run/report.html").read_text()
    for told in ("Folds", "Each fold tests its own part", "scored by the one of 3 models that has not seen it"):
        assert told in page
    done = call(compare.main, place, "run", "run/fold0", "output=compared")
    assert done.code == 0, done.err


def test_an_interrupted_pipeline_trains_the_folds_that_are_left(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    for name in ("fold1", "metrics.json", "scores.h5", "provenance.json"):
        path = tmp_path / "run" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert "training fold1 of 3 folds" in done.out
    assert "training fold0" not in done.out
    for name in ("metrics.json", "scores.h5"):
        assert (tmp_path / "run" / name).read_bytes() == (place / "run" / name).read_bytes()
    assert "nothing is left to do" in call(train.main, tmp_path, "resume=run").out


@pytest.mark.thorough
def test_folds_in_processes_of_their_own_give_the_same_scores(place, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    samples = [f"data.samples.{name}={place}/{name}.h5" for name in ("background", "signal")]
    own = ["data.bundled=false", "data.background=background", *samples, "data.folds=3", "hydra.run.dir=run"]
    launcher = ["hydra/launcher=processes", "hydra.launcher.n_jobs=2", "hydra.launcher.threads=1"]
    done = call(train.main, tmp_path, *own, *MODEL, *QUICK, *launcher)
    assert done.code == 0, done.err
    assert "[3/3]" in done.out
    assert (tmp_path / "run/logs/fold2.log").is_file()
    assert columns(tmp_path / "run/scores.h5", "signal")[1] == pytest.approx(
        columns(place / "run/scores.h5", "signal")[1], rel=1e-5
    )
    assert "resumed" not in read(tmp_path / "run/fold0/provenance.json")


def test_a_fold_that_fails_leaves_the_others(place, tmp_path, monkeypatch):
    samples = [f"data.samples.{name}={place}/{name}.h5" for name in ("background", "signal")]
    own = ["data.bundled=false", "data.background=background", *samples, "data.folds=3", "hydra.run.dir=run"]
    from hepad.pipeline import training_commands

    trained = training_commands.train

    def failing(cfg, run_dir):
        if run_dir.name == "fold1":
            raise RuntimeError("no luck")
        return trained(cfg, run_dir)

    with monkeypatch.context() as patch:
        patch.setattr(training_commands, "train", failing)
        done = call(train.main, tmp_path, *own, *MODEL, *QUICK)
    assert done.code == 1
    assert "error: stage fold1 failed: RuntimeError: no luck (scores could not begin)" in done.err
    assert f"-m hepad.train resume={tmp_path / 'run'}" in done.err
    assert (tmp_path / "run/fold2/metrics.json").is_file()
    assert call(train.main, tmp_path, "resume=run").code == 0
    assert (tmp_path / "run/metrics.json").read_bytes() == (place / "run/metrics.json").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.folds=3", "data.fold=3"], "data.fold=3 is out of range"),
        (["data.fold=0"], "say so with data.folds=K"),
        (["data.folds=1"], "data.folds=1"),
        (["data.folds=100"], "data.folds=100"),
        (["data.folds=3", "model=conv_ae"], "not the sets of data=events"),
        (["data.folds=3", "optimizer.lr=-1"], "optimizer.lr=-1"),
        (["data.folds=3", "data.samples.signal=nowhere.h5"], "nowhere.h5"),
    ],
)
def test_folds_that_cannot_be_trained_are_refused_before_anything_is_written(place, words, said):
    done = call(train.main, place, *two_samples(place), *MODEL[:1], *QUICK, *words, "hydra.run.dir=refused")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (place / "refused").exists()


def test_folds_of_other_files_or_of_another_fold_are_not_joined(place, tmp_path):
    """Scores of one file would stand beside rows of another, or rows would be missing."""
    shutil.copytree(place / "run", tmp_path / "run")
    for path in (tmp_path / "run/config.yaml", *(tmp_path / "run").glob("fold*/config.yaml")):
        path.write_text(path.read_text().replace(str(place / "run"), str(tmp_path / "run")))
    for name in ("metrics.json", "provenance.json", "scores.h5"):
        (tmp_path / "run" / name).unlink()
    shutil.copy(place / "signal.h5", tmp_path / "other.h5")
    with h5py.File(tmp_path / "other.h5", "r+") as file:
        file["jet_event_data"][0] = file["jet_event_data"][1]
    shutil.rmtree(tmp_path / "run/fold2")
    done = call(train.main, tmp_path, "resume=run", "data.samples.signal=other.h5")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "is another file than" in done.err
    assert not (tmp_path / "run/fold2").exists()
    shutil.copytree(tmp_path / "run/fold1", tmp_path / "run/fold2")
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 1
    assert "fold2 is not the run of fold 2 of 3; remove it" in done.err
    assert not (tmp_path / "run/scores.h5").exists()


def test_a_given_teacher_must_be_one_for_every_fold_before_the_first_is_trained(place):
    """A teacher of the first fold's training part has seen what is tested in the others."""
    of_one = ["data.folds=3", "data.fold=0", "data.half=first", "hydra.run.dir=of_one"]
    assert call(train.main, place, *two_samples(place), *MODEL, *QUICK, *of_one).code == 0
    words = ["model=distilled", "model.teacher=of_one", "data.folds=3", "hydra.run.dir=refused"]
    done = call(train.main, place, *two_samples(place), *QUICK, *words)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "was trained on entries of background that the student would train or be tested on" in done.err
    assert not (place / "refused").exists()


def test_what_only_a_single_run_can_do_names_the_folds(place):
    done = call(evaluate.main, place, "run=run")
    assert done.code == 2
    assert "has a model for each of its folds; name one of them, run/fold0" in done.err.replace(f"{place}/", "")
    done = call(train.main, place, "resume=run", "trainer.max_epochs=5")
    assert done.code == 2
    assert "as many epochs as they began with" in done.err


def test_folds_of_two_samples_in_roles_of_which_one_says_which_entries_are_signal(tmp_path):
    truth = np.arange(300) % 100 == 7
    for name, seed in (("data", 1), ("template", 2)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["table"] = np.random.default_rng(seed).normal(size=(300, 3)).astype("f4")
            file["table"].attrs["features"] = ["a", "b", "c"]
            if name == "data":
                file["label"] = truth
    samples = ["data.samples.data=data.h5", "data.samples.template=template.h5", "data.background=data"]
    roles = "data.train=[{sample: data, label: 1}, {sample: template, label: 0}]"
    words = ["data=table", "model=dense_ae", "data.bundled=false", roles, *samples, "data.folds=5"]
    done = call(train.main, tmp_path, *words, *QUICK[:-1], "hydra.run.dir=run")
    assert done.code == 0, done.err
    # Three signals in five folds: some folds test none.
    np.testing.assert_array_equal(columns(tmp_path / "run/scores.h5", "data_signal")[0], np.flatnonzero(truth))
    np.testing.assert_array_equal(columns(tmp_path / "run/scores.h5", "data")[0], np.flatnonzero(~truth))
    np.testing.assert_array_equal(columns(tmp_path / "run/scores.h5", "template")[0], np.arange(300))
    facts = read(tmp_path / "run/provenance.json")
    assert facts["data"]["data"] | {"tested": 300, "tested_signal": 3} == facts["data"]["data"]
