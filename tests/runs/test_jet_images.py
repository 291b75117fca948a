"""Jet images from the command line: both directions in one command, and wrong input in one line."""

import csv
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


def test_one_command_runs_both_directions_with_both_weights_of_pixels(run_train, words, tmp_path):
    done = run_train("-m", "experiment=top_vs_qcd", "hydra.sweep.dir=sweep", "evaluation.plots=false", *words)
    assert done.code == 0, done.err
    table = list(csv.DictReader((tmp_path / "sweep" / "sweep.csv").read_text().splitlines()))
    for run, pair in (("qcd_jets", "top_jets_vs_qcd_jets"), ("top_jets", "qcd_jets_vs_top_jets")):
        for power in ("1.0", "0.5"):
            run_dir = tmp_path / f"sweep/data.background.{run}-data.power.{power}"
            metrics = json.loads((run_dir / "metrics.json").read_text())
            assert 0 <= metrics[f"test/auc/{pair}"] <= 1
            assert {name for name in metrics if name.startswith("test/auc/")} == {
                f"test/auc/{pair}{end}" for end in ("", "/low", "/high")
            }
            assert f"test/baseline_auc/mass/{pair}" in metrics
            assert "test/spearman/mass" in metrics
            assert (run_dir / "report.html").is_file()
            (row,) = [row for row in table if row["job"] == run_dir.name]
            assert float(row["AUC vs own background"]) == metrics[f"test/auc/{pair}"]
    assert "AUC vs own background" in done.out
    page = (tmp_path / "sweep" / "sweep.html").read_text()
    for said in (done.out, page):
        assert "trained on different samples (qcd_jets, top_jets)" in said
        assert "val/loss" not in said.split("4 runs, in the order of the command")[-1]
    assert "\nbest " not in done.out
    assert "The best run again" not in page
    assert "ROC of the runs trained on qcd_jets: top_jets against it." in page
    assert "ROC of the runs trained on top_jets: qcd_jets against it." in page


def test_wrong_input_is_one_line(run_train, words, tmp_path):
    with h5py.File(tmp_path / "hollow.h5", "w") as file:
        file["jet_constituents"] = np.zeros((30, 5, 3))
    cases = {
        f"data.samples.top_jets={tmp_path / 'hollow.h5'}": "30 of 30 jets of sample top_jets have no constituent",
        "data.center=middle": "allowed: centroid, axis, hardest",
        "data.half_width=-1.0": "a number above 0 and at most 10",
        "data.background=zero_bias": "allowed: qcd_jets, top_jets",
        "model=dense_ae": "DenseAutoencoder takes vectors or volumes, not the images of data=jet_images",
    }
    for wrong, said in cases.items():
        kept = [word for word in words if not (wrong.startswith("model=") and word.startswith("model."))]
        done = run_train("data=jet_images", "model=cicada_ae", *kept, wrong, "hydra.run.dir=run")
        assert done.code == 2, done.err
        assert said in done.err
        assert done.err.count("\n") == 1
        assert not (tmp_path / "run").exists()
