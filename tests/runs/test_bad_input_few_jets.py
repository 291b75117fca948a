"""Events of which next to none hold a jet: refused in one line before anything is written, whatever the model."""

import h5py
import numpy as np
import pytest

from hepad.data.split import split_rows
from tests.conftest import write_jet_file

N_EVENTS = 500
MODELS = [["model=td_ae"], ["model=vae", "data=events"], ["model=gan", "data=events"], ["model=distilled"]]


def write_events(path, rows):
    """Write 500 events of which those in `rows` hold one jet each, and no other holds any."""
    write_jet_file(path, n_events=N_EVENTS, mean_jets=0.0)
    with h5py.File(path, "r+") as file:
        jets = file["jet_event_data"]
        for i in sorted(rows):
            jets[i, 0] = np.random.default_rng(i).uniform(20, 60, jets.shape[2])
    return [f"data.samples.background={path}", "data.bundled=false", "data.background=background"]


@pytest.mark.parametrize("n_jets", [0, 1])
@pytest.mark.parametrize("model", MODELS, ids=" ".join)
def test_too_few_jets_to_learn_from(run_train, tmp_path, model, n_jets):
    parts = split_rows(N_EVENTS)
    # One of them is in the test part, so that the file as a whole is not empty.
    words = write_events(tmp_path / "background.h5", [parts.test[0], *parts.train[:n_jets]])
    done = run_train(*words, *model, "logger=none", "hydra.run.dir=run")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "training events of background" in done.err
    assert f"{n_jets} real jet" in done.err or "distilled" in model[0]
    assert not (tmp_path / "run").exists()


def test_a_half_without_jets(run_train, tmp_path):
    words = write_events(tmp_path / "background.h5", split_rows(N_EVENTS, "second").train[:50])
    done = run_train(*words, "model=distilled", "logger=none", "hydra.run.dir=run")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "0 real jets in the 150 training events of background" in done.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", MODELS[:3], ids=" ".join)
def test_two_jets_are_enough_to_finish(run_train, tmp_path, model):
    words = write_events(tmp_path / "background.h5", split_rows(N_EVENTS).train[:2])
    more = ["logger=none", "trainer.max_epochs=1", "evaluation.plots=false"]
    done = run_train(*words, *model, *more)
    assert done.code == 0, done.err
