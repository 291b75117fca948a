"""`python -m hepad.threshold`: chosen on validation, tested on test, kept, applied by hepad.score, checked."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import stats

import hepad
from hepad import score, threshold, train
from hepad.run.calibration import score_columns
from hepad.scores import Forward
from tests.conftest import write_jet_file
from tests.runs.conftest import Finished, call


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A short run, whose background has some 30,000 jets."""
    directory = tmp_path_factory.mktemp("threshold")
    write_jet_file(directory / "background.h5", n_events=8000, seed=1)
    words = ["data.bundled=false", "data.background=background", "data.samples.background=background.h5"]
    quick = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]
    done = call(train.main, directory, *words, *quick)
    assert done.code == 0, done.err
    return directory / "run"


def chosen(run: Path, *words: str) -> Finished:
    return call(threshold.main, run.parent, f"run={run}", *words)


def new_file(directory: Path, n_events: int = 3000) -> Path:
    """Write jets of 3000 events, in two runs, of which another trigger accepts every third."""
    path = write_jet_file(directory / "new.h5", n_events=n_events, seed=9)
    with h5py.File(path, "a") as file:
        rows = np.arange(n_events)
        file["run"] = 1 + (rows >= n_events // 2)
        file["luminosityBlock"] = rows // 100
        file["n_pileup"] = rows % 40
        file["L1"] = rows % 3 == 0
    return path


def test_a_threshold_is_kept_and_applied(run, tmp_path):
    done = chosen(run, "fpr=0.02")
    assert done.code == 0, done.err
    assert "fpr_2e-2: score > " in done.out
    point = json.loads((run / "thresholds.json").read_text())["thresholds"]["fpr_2e-2"]
    assert point["agreement"] > 0.001
    assert point["chosen"]["entries"] != point["tested"]["entries"]
    assert point["chosen"]["value"] == pytest.approx(0.02, rel=0.02)
    loaded = hepad.load_run(run)
    assert loaded.threshold(fpr=0.02).threshold == point["threshold"]
    source = new_file(tmp_path)
    done = call(score.main, tmp_path, f"run={run}", f"input={source}", "output=scores.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as file:
        np.testing.assert_array_equal(file["accepted_fpr_2e-2"][:], file["score"][:] > point["threshold"])
        p, accepted = file["p_value"][:], file["accepted_fpr_2e-2"][:]
        assert p.dtype == np.float32
        # Of the same distribution as the background: uniform.
        assert stats.kstest(p, "uniform").pvalue > 0.005
        assert p[accepted].max() < p[~accepted].min()
    plain = ["output=plain.h5", "p_values=false"]
    assert call(score.main, tmp_path, f"run={run}", f"input={source}", *plain).code == 0
    with h5py.File(tmp_path / "plain.h5") as file:
        assert "p_value" not in file


def test_a_file_is_checked_over_runs_blocks_and_pileup(run, tmp_path):
    assert chosen(run, "fpr=0.05", "name=loose").code == 0
    source = new_file(tmp_path)
    done = chosen(run, f"check={source}", "beside=L1")
    assert done.code == 0, done.err
    scores, point = hepad.load_run(run), json.loads((run / "thresholds.json").read_text())["thresholds"]["loose"]
    with h5py.File(source) as file:
        jets = file["jet_event_data"][:]
        accepted = scores.score(jets.reshape(-1, 17)).reshape(len(jets), -1) > point["threshold"]
        by_run = [accepted[file["run"][:] == number].sum() for number in (1, 2)]
        alone = accepted[~file["L1"][:]].sum()
    for count in (accepted.sum(), *by_run, alone):
        assert f" {count:,} " in done.out
    assert "not by L1" in done.out
    assert "Run:block" in done.out
    assert "n_pileup" in done.out
    kept = (run / "thresholds.json").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        # Before anything is scored, and before a threshold is kept.
        patch.setattr(Forward, "scores", None)
        done = chosen(run, f"check={source}", "beside=HLT", "fpr=0.2")
    assert (done.code, done.out) == (2, "")
    assert "beside=HLT" in done.err
    assert (run / "thresholds.json").read_bytes() == kept


def test_background_of_a_file_of_its_own(run, tmp_path):
    done = chosen(run, f"background={new_file(tmp_path)}", "rate=0.5MHz")
    assert done.code == 0, done.err
    assert "500kHz: score > " in done.out
    assert "even and odd rows of a file" in done.out


def test_what_is_refused(run, tmp_path):
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for words, told in (
        (["rate=1kHz"], "286,073 are needed"),
        (["rate=1kHz", "fpr=0.1"], "exactly"),
        ([], "none given"),
        (["fpr=0.1", "name=a/b"], "name"),
        (["rate=fast"], "a rate above 0 such as 1kHz"),
        (["fpr=0.1", f"background={run.parent / 'background.h5'}"], "trained on this very file"),
        (["fpr=0.1", "beside=L1"], "check=FILE, which is missing"),
        (["check=nothing.h5"], "nothing.h5"),
    ):
        done = chosen(run, *words)
        assert (done.code, done.out) == (2, ""), words
        assert told in done.err
        assert done.err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_a_score_at_the_threshold_is_not_accepted():
    found = score_columns(None, {"a": 2.0})(np.array([1, 2, 3, np.nan], dtype=np.float32))
    assert found["accepted_a"].tolist() == [False, False, True, False]
