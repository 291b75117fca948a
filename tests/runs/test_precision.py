"""A run in another precision scores in that precision, whoever asks."""

import h5py
import numpy as np
import pytest
import torch

import hepad


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
def test_scores_of_a_loaded_run_are_those_of_its_evaluation(run_train, own_samples, tmp_path, precision):
    words = ["trainer.max_epochs=1", "logger=none", "evaluation.plots=false", "hydra.run.dir=run"]
    done = run_train(*own_samples, *words, f"trainer.precision={precision}", "trainer.accelerator=cpu")
    assert done.code == 0, done.err
    run = hepad.load_run(tmp_path / "run")
    assert run.model.precision == precision
    with h5py.File(tmp_path / "run" / "scores.h5") as file, h5py.File(tmp_path / "signal.h5") as source:
        found, rows, slots = (file["signal"][name][:] for name in ("score", "index", "slot"))
        jets = source["jet_event_data"][:][rows, slots]
    np.testing.assert_allclose(run.score(jets), found, rtol=1e-6)
    # It is not float32 in disguise: there the scores of mixed precision would be others.
    run.model.precision = "32-true"
    moved = np.abs(run.score(jets) - found).max() if precision == "bf16-mixed" else 1.0
    assert moved > 1e-5
    weights = next(iter(run.model.parameters())).dtype
    assert weights == (torch.float64 if precision == "64-true" else torch.float32)
