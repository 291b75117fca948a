"""`ensemble=N`: N runs of other seeds, each entry with the mean of their scores and its spread."""

import json
import shutil

import h5py
import numpy as np
import pytest

from hepad import compare, evaluate, load_run, score, threshold, train
from hepad.core.errors import UserError
from hepad.rundir.locking import RunStatus, run_status
from tests.runs.conftest import call, two_samples

QUICK = ["logger=none", "trainer.max_epochs=2", "data.batch_size=64", "evaluation.plots=false", "data=jets"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples and an ensemble of three, `run`."""
    directory = tmp_path_factory.mktemp("ensemble")
    done = call(train.main, directory, *two_samples(directory), *QUICK, "ensemble=3", "seed=5", "hydra.run.dir=run")
    assert done.code == 0, done.err
    return directory


def read(path):
    return json.loads(path.read_text())


def test_scores_are_the_mean_and_their_spread_is_beside_them(place):
    for sample in ("background", "signal"):
        each = []
        for number in range(3):
            with h5py.File(place / f"run/member{number}/scores.h5") as file:
                each.append(file[f"{sample}/score"][:].astype(float))
        assert np.ptp(each, axis=0).min() > 0
        with h5py.File(place / "run/scores.h5") as file:
            np.testing.assert_allclose(file[f"{sample}/score"], np.mean(each, axis=0), rtol=1e-6)
            np.testing.assert_allclose(file[f"{sample}/ensemble_spread"], np.std(each, axis=0, ddof=1), rtol=1e-5)
            assert file.attrs["ensemble"] == 3


def test_members_differ_by_their_seeds_alone(place):
    configs = [(place / f"run/member{number}/config.yaml").read_text() for number in range(3)]
    plain = [config.replace(f"member{number}", "member").splitlines() for number, config in enumerate(configs)]
    for number, lines in enumerate(plain):
        others = [line for line, first in zip(lines, plain[0], strict=True) if line != first]
        assert [line.strip() for line in others] == [f"seed: {5 + number}"] * (2 if number else 0)
    splits = [read(place / f"run/member{number}/provenance.json")["split_sha256"] for number in range(3)]
    assert splits[0] == splits[1] == splits[2]


def test_the_gain_over_one_is_told(place):
    metrics = read(place / "run/metrics.json")
    areas = [read(place / f"run/member{i}/metrics.json")["test/auc/signal_vs_background"] for i in range(3)]
    assert metrics["test/ensemble/single_auc/signal_vs_background"] == pytest.approx(np.mean(areas))
    gain = metrics["test/auc/signal_vs_background"] - np.mean(areas)
    assert metrics["test/ensemble/gain/signal_vs_background"] == pytest.approx(gain)
    assert metrics["test/ensemble/gain/signal_vs_background/error"] == pytest.approx(np.std(areas, ddof=1) / 3**0.5)
    page = (place / "run/report.html").read_text()
    assert "Mean AUC of one" in page
    assert run_status(place / "run") is RunStatus.FINISHED
    done = call(compare.main, place, "run", "run/member0", "output=compared")
    assert done.code == 0, done.err


def test_an_interrupted_ensemble_trains_what_is_left(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    for name in ("member1", "metrics.json", "scores.h5", "provenance.json"):
        path = tmp_path / "run" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 0, done.err
    assert "training member1 of 3 members" in done.out
    assert "training member0" not in done.out
    for name in ("metrics.json", "scores.h5"):
        assert (tmp_path / "run" / name).read_bytes() == (place / "run" / name).read_bytes()


def test_a_member_of_other_entries_is_not_averaged(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    for name in ("metrics.json", "scores.h5", "provenance.json"):
        (tmp_path / "run" / name).unlink()
    shutil.rmtree(tmp_path / "run/member1")
    files = [f"data.samples.{name}={place}/{name}.h5" for name in ("background", "signal")]
    own = ["data.bundled=false", "data.background=background", *files, "data.limit=300"]
    done = call(train.main, tmp_path, *own, *QUICK, "hydra.run.dir=run/member1")
    assert done.code == 0, done.err
    done = call(train.main, tmp_path, "resume=run")
    assert done.code == 1
    assert "member1 tests other entries than member0" in done.err
    assert not (tmp_path / "run/scores.h5").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ensemble=1"], "ensemble=1"),
        (["ensemble=2", "data.folds=3"], "folds are 3 models already"),
        (["ensemble=2", "model=conv_ae"], "not the vectors of data=jets"),
    ],
)
def test_what_cannot_be_an_ensemble(place, words, said):
    done = call(train.main, place, *two_samples(place), *QUICK, *words, "hydra.run.dir=refused")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (place / "refused").exists()


def test_an_ensemble_scores_and_is_evaluated_as_the_mean_of_its_members(place, tmp_path):
    run, members = load_run(place / "run"), [load_run(place / f"run/member{i}") for i in range(3)]
    entries = np.random.default_rng(0).uniform(20, 60, size=(50, *run.entry_shape)).astype(np.float32)
    each = np.stack([member.score(entries) for member in members])
    np.testing.assert_array_equal(run.score(entries), each.astype(float).mean(axis=0).astype(np.float32))
    assert (run.features, run.settings.ensemble) == (members[0].features, 3)
    done = call(score.main, place, "run=run", "input=signal.h5", f"output={tmp_path}/scores.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as found, h5py.File(place / "run/scores.h5") as known:
        # The file's own test part is among all of its entries.
        assert np.isin(known["signal/score"][:], found["score"][:]).all()
    done = call(evaluate.main, place, "run=run", "name=again", "logger=none")
    assert done.code == 0, done.err
    known = read(place / "run/metrics.json")
    again = read(place / "run/evaluations/again/metrics.json")
    assert again == {name: value for name, value in known.items() if not name.startswith("test/ensemble/")}
    done = call(evaluate.main, place, "run=run", "in_place=true")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "gain over its members" in done.err


def test_a_threshold_of_an_ensemble_is_one_of_its_mean(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    done = call(threshold.main, tmp_path, "run=run", "fpr=0.1")
    assert done.code == 0, done.err
    kept = read(tmp_path / "run/thresholds.json")
    words = ["run=run", f"input={place / 'background.h5'}", "output=scores.h5"]
    done = call(score.main, tmp_path, *words)
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as file:
        (name,) = [name for name in file if name.startswith("accepted_")]
        np.testing.assert_array_equal(file[name][:], file["score"][:] > file[name].attrs["threshold"])
        assert 0.02 < file[name][:].mean() < 0.25
    assert kept


def test_an_ensemble_that_did_not_finish_is_no_model(place, tmp_path):
    (tmp_path / "run").mkdir()
    shutil.copy(place / "run/config.yaml", tmp_path / "run")
    with pytest.raises(UserError, match="did not finish; go on with it: resume="):
        load_run(tmp_path / "run")
