"""Runs on calorimeter images from end to end: the command as people type it, what it leaves, what can be loaded."""

import json

import h5py
import numpy as np
import pytest

import hepad
from hepad import score, train
from hepad.core.errors import UserError
from tests.conftest import make_images, write_image_file
from tests.runs.conftest import call


def image_samples(directory):
    """Write a small background and a louder signal; return the words that replace the bundled samples with them."""
    background = write_image_file(directory / "background.h5", n_events=300, seed=1)
    signal = write_image_file(directory / "signal.h5", n_events=120, hot_et=60.0, seed=2)
    return [
        *("data.bundled=false", "data.background=background", "logger=none", "data.batch_size=64"),
        *(f"data.samples.background={background}", f"data.samples.signal={signal}"),
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """`python -m hepad.train model=conv_ae loss=ssim` on small files, three epochs."""
    directory = tmp_path_factory.mktemp("images")
    words = [*image_samples(directory), "trainer.max_epochs=3", "hydra.run.dir=run"]
    done = call(train.main, directory, "model=conv_ae", "loss=ssim", *words)
    assert done.code == 0, done.err
    return directory / "run"


def test_the_numbers(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test/auc/signal_vs_background"] > 0.6
    assert 0 <= metrics["test/phi_rotation/rms_over_spread"] <= 1
    assert 0 <= metrics["test/eta_flip/rms_over_spread"] <= 1
    assert {"test/pearson/total_et", "test/pearson/max_region"} <= set(metrics)
    assert "test/baseline_auc/distance_to_mean/signal_vs_background" in metrics
    assert 0 < metrics["test/loss/background"] < 2


def test_the_pictures(run):
    names = {path.stem for path in (run / "plots").glob("*.png")}
    assert {"phi_rotation", "loss_per_pixel", "reconstructions_signal", "score_vs_total_et"} <= names
    assert "loss_per_feature" not in names
    assert "Symmetries" in (run / "report.html").read_text()


def test_a_loaded_run_scores_images_with_and_without_a_channel_axis(run):
    loaded = hepad.load_run(run)
    assert loaded.entry_shape == (1, 18, 14)
    with h5py.File(run / "scores.h5") as scores, h5py.File(run.parent / "signal.h5") as source:
        images = source["calo_regions"][:][scores["signal/index"][:]]
        written = scores["signal/score"][:]
    np.testing.assert_allclose(loaded.score(images), written, rtol=1e-4)
    np.testing.assert_allclose(loaded.score(images[:, None]), written, rtol=1e-4)
    with pytest.raises(UserError, match=r"\(14, 18\)"):
        loaded.score(images.swapaxes(1, 2))


@pytest.fixture
def broken_sample(tmp_path):
    """Words of a training whose signal holds one huge, finite number, in row 17."""
    images = make_images(60, mean_et=2.0, hot_et=60.0, seed=2).astype(np.float32)
    images[17, 3, 4] = 1e25
    write_image_file(tmp_path / "broken.h5", images=images)
    background = write_image_file(tmp_path / "background.h5", n_events=300, seed=1)
    return [
        *("data=calo", "data.bundled=false", "data.background=background", "logger=none", "data.batch_size=64"),
        *(f"data.samples.background={background}", f"data.samples.broken={tmp_path / 'broken.h5'}"),
        *("model.network=dense", "trainer.max_epochs=1", "hydra.run.dir=run"),
    ]


@pytest.mark.parametrize("normalizer", ["standard", pytest.param("layer", marks=pytest.mark.thorough)])
def test_one_huge_number_in_a_sample_does_not_stop_a_run(run_train, tmp_path, broken_sample, normalizer):
    done = run_train("model=denoising_ae", *broken_sample, f"model.normalizer={normalizer}")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "run" / "scores.h5") as scores:
        found = scores["broken/score"][:]
    assert np.isfinite(found).all()
    # Under `layer` the number is the unit of its own entry, and so nothing special.
    assert normalizer == "layer" or found.argmax() == 17
    assert "test/baseline_auc/distance_to_mean/broken_vs_background" in json.loads(
        (tmp_path / "run" / "metrics.json").read_text()
    )


def test_scores_that_are_not_finite_are_named_before_anything_is_evaluated(run_train, tmp_path, broken_sample):
    # The divergence of a code is not held back: its size is the score.
    done = run_train("model=vae", *broken_sample, "evaluation.plots=false")
    assert done.code == 1
    assert "Traceback" not in done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert "1 of 60 entries of broken is NaN or infinite, first that of row 17 of" in line
    assert "to 1e+25" in line
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert "checkpoints" in names
    assert not names & {"scores.h5", "metrics.json", "report.html", "plots"}
    scored = call(score.main, tmp_path, "run=run", "input=broken.h5", "output=scores.h5")
    assert scored.code == 0
    assert "NaN or infinite: 1 of these scores, the first that of row 17" in scored.out
    with h5py.File(tmp_path / "scores.h5") as file:
        assert file.attrs["nonfinite_scores"] == 1
        assert np.flatnonzero(~np.isfinite(file["score"][:])).tolist() == [17]


def test_multi_channel_images_of_cicada_and_the_workshop(run_train, tmp_path):
    rng = np.random.default_rng(0)
    words = ["data.bundled=false", "data.background=b", "data.batch_size=32", "trainer.max_epochs=1", "logger=none"]
    channels = write_image_file(
        tmp_path / "b.h5", images=rng.exponential(size=(80, 16, 16, 5)).astype("f4"), dataset="event_image_data"
    )
    cicada = write_image_file(tmp_path / "c.h5", images=make_images(80, 2, 5, 0), dataset="CaloRegions")
    signal = [f"data.samples.s={channels}", f"data.samples.b={channels}", "hydra.run.dir=workshop"]
    assert run_train("model=conv_ae", "data.periodic_phi=false", *words, *signal).code == 0
    metrics = json.loads((tmp_path / "workshop/metrics.json").read_text())
    assert "test/eta_flip/rms_over_spread" in metrics
    assert "test/phi_rotation/rms_over_spread" not in metrics
    signal = [f"data.samples.s={cicada}", f"data.samples.b={cicada}", "hydra.run.dir=cicada"]
    quiet = ["evaluation.plots=false", *signal]
    assert run_train("model=cicada_ae", "model.normalizer=none", "optimizer.lr=1e-3", *words, *quiet).code == 0
    assert hepad.load_run(tmp_path / "cicada").entry_shape == (1, 18, 14)


def test_a_weighted_sum_of_any_losses_from_the_command_line(run_train, tmp_path):
    words = [
        *("model=conv_ae", "loss=weighted", "loss@model.loss.terms.b.loss=ncc", "model.loss.terms.b.weight=0.5"),
        *("trainer.max_epochs=1", "evaluation.plots=false", "hydra.run.dir=run"),
    ]
    done = run_train(*image_samples(tmp_path), *words)
    assert done.code == 0, done.err
    loss = hepad.load_run(tmp_path / "run").model.loss
    assert {name: type(term).__name__ for name, term in loss.losses.items()} == {"a": "MSE", "b": "NCC"}
    assert loss.weights == {"a": 1.0, "b": 0.5}
