"""Images larger than a calorimeter's, of several channels: read as any others, and learnt."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from hepad import train
from hepad.core.schema import EVENT_IMAGE_DATASET
from tests.runs.conftest import call

NARROW = ["model.generator=[32,16,8,8,8]", "model.discriminator=[8,8,16,16,32]"]


def smooth_images(n: int, height: int, width: int, seed: int, width_of_spot: float = 0.25) -> NDArray[np.float32]:
    """Colour pictures with their depth, `(N, H, W, 4)`: a coloured spot before a wall that is tilted at random."""
    random = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    at_y, at_x = random.uniform(-0.5, 0.5, (2, n, 1, 1))
    spot = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * width_of_spot**2))
    colours = random.uniform(0.3, 1, (n, 1, 1, 3))
    tilt_y, tilt_x = random.uniform(-0.5, 0.5, (2, n, 1, 1))
    depth = 3 + tilt_y * y + tilt_x * x - spot
    return np.concatenate([colours * spot[..., None], depth[..., None]], axis=-1).astype(np.float32)


def words_for(directory: Path, height: int, width: int) -> list[str]:
    for name, seed, spot in (("usual", 0, 0.25), ("small_spots", 1, 0.08)):
        with h5py.File(directory / f"{name}.h5", "w") as file:
            file[EVENT_IMAGE_DATASET] = smooth_images(120 if name == "usual" else 40, height, width, seed, spot)
    return [
        "data=calo",
        "data.bundled=false",
        "data.background=usual",
        *(f"data.samples.{name}={directory / name}.h5" for name in ("usual", "small_spots")),
        "data.periodic_phi=false",
        "data.augment_eta=false",
        "data.batch_size=12",
        "optimizer.lr=4e-3",
        "evaluation.plots=false",
        "logger=none",
        "hydra.run.dir=run",
    ]


@pytest.mark.thorough
def test_a_bigan_learns_colour_pictures_with_depth(tmp_path):
    words = ["model=bigan", *NARROW, "model.ema=0.5", "trainer.max_epochs=5"]
    done = call(train.main, tmp_path, *words, *words_for(tmp_path, 64, 64))
    assert done.code == 0, done.err
    with (tmp_path / "run/history.csv").open() as file:
        rows = list(csv.DictReader(file))
    error = [float(row["val/reconstruction"]) for row in rows]
    assert error[-1] < 0.8 * error[0]
    assert error[-1] < float(rows[-1]["val/distance_to_mean"])
    assert 0 <= json.loads((tmp_path / "run/metrics.json").read_text())["test/auc/small_spots_vs_usual"] <= 1


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_images_of_sizes_that_are_no_power_of_two(tmp_path, model):
    narrow = NARROW if model == "gan" else ["model.hidden=[4,8,8,8]"]
    words = [f"model={model}", *narrow, "trainer.max_epochs=1", "data.limit=60"]
    done = call(train.main, tmp_path, *words, *words_for(tmp_path, 72, 58))
    assert done.code == 0, done.err
    assert "test/auc/small_spots_vs_usual" in json.loads((tmp_path / "run/metrics.json").read_text())
