"""Jet images from the command line: both directions in one command, and wrong input in one line."""

import json

import h5py
import numpy as np
import pytest

from tests.fat_jets import write_fat_jet_file


@pytest.fixture
def words(tmp_path):
    """Return the words that replace the bundled fat jets with two small files of the same names."""
    tops = write_fat_jet_file(tmp_path / "tops.h5", n_prongs=3, seed=2)
    return [
        f"data.samples.qcd_jets={write_fat_jet_file(tmp_path / 'dijets.h5', n_prongs=1, seed=1)}",
        f"data.samples.top_jets={tops}",
        "logger=none",
        "trainer.max_epochs=1",
        "model.latent=4",
        "data.n_pixels=16",
    ]


def test_one_command_runs_both_directions(run_train, words, tmp_path):
    done = run_train("-m", "experiment=top_vs_qcd", "hydra.sweep.dir=sweep", *words)
    assert done.code == 0, done.err
    for run, pair in (("qcd_jets", "top_jets_vs_qcd_jets"), ("top_jets", "qcd_jets_vs_top_jets")):
        metrics = json.loads((tmp_path / f"sweep/data.background.{run}" / "metrics.json").read_text())
        assert 0 <= metrics[f"test/auc/{pair}"] <= 1
        assert {name for name in metrics if name.startswith("test/auc/")} == {
            f"test/auc/{pair}{end}" for end in ("", "/low", "/high")
        }
        assert f"test/baseline_auc/mass/{pair}" in metrics
        assert "test/spearman/mass" in metrics
        assert (tmp_path / f"sweep/data.background.{run}" / "report.html").is_file()


def test_wrong_input_is_one_line(run_train, words, tmp_path):
    with h5py.File(tmp_path / "hollow.h5", "w") as file:
        file["jet_constituents"] = np.zeros((30, 5, 3))
    cases = {
        f"data.samples.top_jets={tmp_path / 'hollow.h5'}": "30 of 30 jets of sample top_jets have no constituent",
        "data.center=middle": "allowed: centroid, axis, hardest",
        "data.half_width=-1.0": "a positive width",
        "data.background=zero_bias": "allowed: qcd_jets, top_jets",
        "model=dense_ae": "DenseAutoencoder takes jets, not jet_images",
    }
    for wrong, said in cases.items():
        kept = [word for word in words if not (wrong.startswith("model=") and word.startswith("model."))]
        done = run_train("data=jet_images", "model=cicada_ae", *kept, wrong, "hydra.run.dir=run")
        assert done.code == 2, done.err
        assert said in done.err
        assert done.err.count("\n") == 1
        assert not (tmp_path / "run").exists()
