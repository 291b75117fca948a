"""The most anomalous entries of a run: in its page, its scores and a file, with why, and `run.explain`."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import stats

import hepad
from hepad import top, train
from hepad.core.hdf5 import safe_dataset
from tests.conftest import write_jet_file
from tests.runs.conftest import call


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A short run on jets, whose signal has one of far too large a mass, in an event that is named."""
    directory = tmp_path_factory.mktemp("top")
    write_jet_file(directory / "background.h5", n_events=500, seed=1)
    write_jet_file(directory / "signal.h5", n_events=100, seed=2)
    with h5py.File(directory / "signal.h5", "a") as file:
        file["jet_event_data"][40, 0, 0] = 60
        file["jet_event_data"][40, 0, 3] = 90
        for name, start in (("run", 362_000), ("luminosityBlock", 100), ("event", 10**10)):
            file[name] = start + np.arange(100)
    samples = [f"data.samples.{name}={name}.h5" for name in ("background", "signal")]
    words = ["data.bundled=false", "data.background=background", *samples, "trainer.max_epochs=1"]
    done = call(train.main, directory, *words, "evaluation.plots=false", "logger=none", "hydra.run.dir=run")
    assert done.code == 0, done.err
    return directory / "run"


def test_the_page_names_the_entry_and_why(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Most anomalous entries" in page
    assert "362040:140:10000000040" in page
    assert "mass is " in page
    assert "σ above what the model expects" in page


def test_scores_keep_contributions_of_the_first(run):
    with h5py.File(run / "scores.h5") as file:
        kept = {name: (file[name]["top_entry"][:], file[name]["top_contributions"][:]) for name in file}
        assert sum(len(rows) for rows, _ in kept.values()) == 20
        for name, (rows, values) in kept.items():
            np.testing.assert_allclose(values.sum(axis=1), file[name]["score"][:][rows], rtol=1e-6)
            assert safe_dataset(file, f"{name}/top_contributions").shape[1:] == (17,)
        rows, values = kept["signal"]
        assert (file["signal/index"][rows[0]], values[0].argmax()) == (40, 3)


def test_the_entries_are_written_as_a_sample(run, tmp_path):
    done = call(top.main, tmp_path, f"run={run}", "n=7", "output=top.h5")
    assert done.code == 0, done.err
    assert done.out.startswith("1. signal, row 40, slot 0, event 362040:140:10000000040, score ")
    loaded = hepad.load_run(run)
    with h5py.File(tmp_path / "top.h5") as file, h5py.File(run.parent / "signal.h5") as signal:
        jets, score = file["jet_event_data"][:, 0], file["score"][:]
        np.testing.assert_array_equal(jets[0], signal["jet_event_data"][40, 0])
        np.testing.assert_allclose(loaded.score(jets), score, rtol=1e-5)
        assert (np.diff(score) <= 0).all()
        assert file.attrs["samples"][file["sample"][0]] == "signal"
    refused = call(top.main, tmp_path, f"run={run}", "output=top.h5")
    assert (refused.code, refused.out) == (2, "")
    assert "top.h5" in refused.err


def test_explanations_in_python_find_a_planted_shift(run):
    loaded = hepad.load_run(run)
    with h5py.File(run.parent / "background.h5") as file:
        jets = file["jet_event_data"][:].reshape(-1, 17)
    jets = jets[jets[:, 0] > 0][:400]
    feature = np.arange(400) % 17
    shifted = jets.copy()
    shifted[np.arange(400), feature] += 12 * jets.std(axis=0)[feature]
    values = loaded.explain(shifted)
    assert values.shape == (400, 17)
    assert (values.argmax(axis=1) == feature).mean() >= 0.95
    np.testing.assert_allclose(values.sum(axis=1), loaded.score(shifted), rtol=2e-6)
    with_empty = np.concatenate([shifted[:2], np.zeros((1, 17), dtype=np.float32)])
    assert np.isnan(loaded.explain(with_empty)[2]).all()
    assert loaded.explanation(shifted).method == "terms"
    # What raises the score of ordinary jets lies in no one feature.
    assert stats.mode(loaded.explain(jets).argmax(axis=1)).count < 300
