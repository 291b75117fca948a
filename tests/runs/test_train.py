"""`python -m hepad.train` from end to end."""

import csv
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.metrics import roc_auc_score

import hepad
from hepad.core.errors import UserError
from hepad.data import JetsDataModule

SHORT = ["trainer.max_epochs=3", "hydra.run.dir=run"]


def test_the_run_directory_holds_what_the_design_promises(run):
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.yaml",
        "provenance.json",
        "checkpoints",
        "history.csv",
        "metrics.json",
        "scores.h5",
        "plots",
        "report.html",
        "wandb",
    }
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt", "previous.ckpt"}
    assert not list(run.rglob("*.tmp"))
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert {"train/loss", "val/loss", "val/mae"} <= set(rows[0])
    provenance = json.loads((run / "provenance.json").read_text())
    assert provenance["status"] == "finished"
    assert len(provenance["data"]["signal"]["sha256"]) == 64
    for picture in (run / "plots").glob("*.png"):
        with Image.open(picture) as image:
            assert image.size[0] > 400


def test_auc_is_scikit_learns_on_the_written_scores(run):
    metrics = json.loads((run / "metrics.json").read_text())
    with h5py.File(run / "scores.h5") as file:
        background, signal = (file[name]["score"][:].astype(np.float64) for name in ("background", "signal"))
    labels = np.r_[np.zeros(len(background)), np.ones(len(signal))]
    expected = roc_auc_score(labels, np.r_[background, signal])
    assert metrics["test/auc/signal_vs_background"] == pytest.approx(expected, abs=1e-12)
    low, high = (metrics[f"test/auc/signal_vs_background/{end}"] for end in ("low", "high"))
    assert low < expected < high
    # The signal of this test differs only by its harder spectrum; a working autoencoder sees that.
    assert expected > 0.6


def test_scores_name_the_jet_they_belong_to(run):
    with h5py.File(run / "scores.h5") as scores, h5py.File(run.parent / "signal.h5") as source:
        event, slot = scores["signal/index"][:], scores["signal/slot"][:]
        jets = source["jet_event_data"][:][event, slot]
        again = hepad.load_run(run).score(jets)
        np.testing.assert_allclose(again, scores["signal/score"][:], rtol=1e-5)


def test_a_loaded_run_scores_arrays(run):
    loaded = hepad.load_run(run)
    assert loaded.entry_shape == (17,)
    jets = np.random.default_rng(0).normal(size=(9000, 17)) * 10
    # As they are, pT of several values up to 0 would not tell which slots are empty.
    jets[:, 0] = np.abs(jets[:, 0])
    scores = loaded.score(jets)
    assert scores.shape == (9000,)
    order = np.random.default_rng(1).permutation(9000)
    np.testing.assert_allclose(loaded.score(jets[order]), scores[order], rtol=1e-5)
    assert loaded.score(np.empty((0, 17))).shape == (0,)
    with pytest.raises(UserError, match=r"\(17,\)"):
        loaded.score(np.zeros((3, 16)))
    with pytest.raises(UserError, match="1 of 2 entries"):
        loaded.score(np.array([[np.nan] * 17, [0.0] * 17]))


def test_the_background_test_entries_were_never_trained_on(run):
    samples = {name: str(run.parent / f"{name}.h5") for name in ("background", "signal")}
    data = JetsDataModule(samples=samples, background="background", bundled=False)
    data.setup()
    with h5py.File(run / "scores.h5") as scores:
        tested = set(zip(scores["background/index"][:], scores["background/slot"][:], strict=True))
    trained = set(zip(data.train_entries.index, data.train_entries.slot, strict=True))
    assert tested
    assert not tested & trained


def test_the_same_seed_gives_the_same_metrics_bit_for_bit(run_train, own_samples, tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        words = [
            f"seed={seed}",
            f"hydra.run.dir={name}",
            "trainer.max_epochs=2",
            "logger=none",
            "evaluation.plots=false",
        ]
        assert run_train(*own_samples, *words).code == 0
    first, second, other = ((tmp_path / name / "metrics.json").read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_the_terminal_shows_table_report_and_upload(finished):
    done = finished[1]
    assert "vs background" in done.out
    assert "report.html" in done.out
    assert "wandb sync" in done.out


@pytest.mark.parametrize("loss", ["mse", "mae", "mape", "huber", "log_cosh"])
@pytest.mark.parametrize("optimizer", ["nadam"])
def test_every_loss_trains(run_train, own_samples, tmp_path, loss, optimizer):
    words = [
        f"loss={loss}",
        f"optimizer={optimizer}",
        "scheduler=plateau",
        "logger=none",
        "evaluation.plots=false",
        *SHORT,
    ]
    done = run_train(*own_samples, *words, "trainer.max_epochs=2")
    assert done.code == 0, done.err
    config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert config["model"]["loss"]["_target_"].lower().endswith(loss.replace("_", ""))


def test_a_limit_and_a_choice_of_features(run_train, own_samples, tmp_path):
    words = [
        "data.limit={background: 200, signal: 50}",
        "data.features=[pt,mass,nConstituents]",
        "logger=none",
        "evaluation.plots=false",
    ]
    assert run_train(*own_samples, *words, *SHORT).code == 0
    provenance = (tmp_path / "run/provenance.json").read_text()
    with h5py.File(tmp_path / "run/scores.h5") as file:
        # A fifth of the events, so about a fifth of their jets.
        assert file["background/score"].shape == (json.loads(provenance)["data"]["background"]["tested"],)
        assert 30 <= len(file["background/score"]) <= 50
        assert file["signal/score"].shape == (50,)
    assert hepad.load_run(tmp_path / "run").entry_shape == (3,)


def test_entries_with_nan_are_left_out_on_request(run_train, own_samples, write_jets, tmp_path):
    path = write_jets("holed", seed=5)
    with h5py.File(path, "r+") as file:
        file["jet_event_data"][3, 0, 3] = np.nan
        file["jet_event_data"][3, 0, 0] = 50.0
    words = [f"data.samples.signal={path}", "data.on_nonfinite=drop", "logger=none", "evaluation.plots=false"]
    assert run_train(*own_samples, *words, *SHORT).code == 0
    provenance = json.loads((tmp_path / "run/provenance.json").read_text())
    assert provenance["data"]["signal"]["dropped"] == 1


def test_help_is_fast_because_torch_stays_out(tmp_path):
    code = (
        "import sys, hepad.train\n"
        "try:\n hepad.train.main(['--help'])\nexcept SystemExit: pass\n"
        "print('HEAVY', sorted({'torch', 'lightning', 'wandb', 'matplotlib', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "HEAVY []" in done.stdout
    assert "model" in done.stdout


def test_from_another_folder_as_a_process(own_samples, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "hepad", "train", *own_samples, "debug=fast", "evaluation.plots=false"],
        capture_output=True,
        text=True,
        cwd=elsewhere,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(elsewhere.glob("outputs/*/*_dense_ae_jets/report.html"))) == 1
