"""A run on files with event weights: trained, evaluated, scored, compared."""

import json

import h5py
import numpy as np
import pytest

from hepad import score, train
from hepad.comparison import compare
from hepad.metrics import auc, auc_interval
from tests.conftest import write_jet_file
from tests.runs.conftest import call


def weighted_file(path, weight, **settings):
    write_jet_file(path, n_events=len(weight), **settings)
    with h5py.File(path, "r+") as file:
        file["weight"] = weight
    return path


def test_weights_from_the_file_to_the_numbers(tmp_path):
    rng = np.random.default_rng(1)
    background = weighted_file(tmp_path / "background.h5", rng.exponential(size=400), mean_pt=10.0, seed=1)
    signal = weighted_file(tmp_path / "signal.h5", rng.exponential(size=150), mean_pt=14.0, seed=2)
    words = ["data.bundled=false", "data.background=background", f"data.samples.background={background}"]
    words += [f"data.samples.signal={signal}", "logger=none", "trainer.max_epochs=1"]
    # The figures of weighted scores are drawn once.
    for seed, drawn in ((1, "true"), (2, "false")):
        more = [f"seed={seed}", f"evaluation.plots={drawn}", f"hydra.run.dir=run_{seed}"]
        done = call(train.main, tmp_path, *words, *more)
        assert done.code == 0, done.err
    metrics = json.loads((tmp_path / "run_1" / "metrics.json").read_text())
    pair = "test/auc/signal_vs_background"
    with h5py.File(tmp_path / "run_1" / "scores.h5") as file:
        found = {name: (group["score"][:].astype(float), group["weight"][:]) for name, group in file.items()}
        index = file["signal/index"][:]
    with h5py.File(signal) as file:
        np.testing.assert_array_equal(found["signal"][1], file["weight"][:].astype(np.float32)[index])
    (b, wb), (s, ws) = found["background"], found["signal"]
    assert metrics[pair] == auc(b, s, wb, ws) != auc(b, s)
    ends = auc_interval(b, s, background_weight=wb, signal_weight=ws)
    assert (metrics[f"{pair}/low"], metrics[f"{pair}/high"]) == ends
    assert metrics["test/loss/signal"] == pytest.approx(np.average(s, weights=ws), rel=1e-12)

    difference = compare([tmp_path / "run_1", tmp_path / "run_2"]).pair_auc("run_2", "signal", "background").difference
    other = json.loads((tmp_path / "run_2" / "metrics.json").read_text())
    assert difference.difference == pytest.approx(other[pair] - metrics[pair], abs=1e-12)

    done = call(score.main, tmp_path, "run=run_1", f"input={signal}", "output=scored.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scored.h5") as file:
        np.testing.assert_array_equal(file["weight"][:], ws)
        np.testing.assert_allclose(file["score"][:], s, rtol=1e-6)


def test_negative_weights_are_refused_before_anything_is_written(tmp_path):
    background = weighted_file(tmp_path / "background.h5", np.r_[np.ones(399), -1], seed=1)
    words = ["data.bundled=false", "data.background=background", f"data.samples.background={background}"]
    done = call(train.main, tmp_path, *words, "logger=none", "hydra.run.dir=run")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "1 of 400 weights" in done.err
    assert "negative, first that of row 399" in done.err
    assert not (tmp_path / "run").exists()
