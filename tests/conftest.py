"""Small files in the true layout, for all tests; what examples in docstrings need too is in the conftest.py above."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from hepad.core.schema import CALO_DATASET, CALO_SHAPE, JET_DATASET, JET_FEATURES, N_JETS


def make_jets(n_events: int, mean_jets: float, mean_pt: float, seed: int) -> NDArray[np.float32]:
    """Return `(n_events, 8, 17)` jets with a falling pT spectrum, zero padded, by falling pT."""
    rng = np.random.default_rng(seed)
    jets = rng.normal(size=(n_events, N_JETS, len(JET_FEATURES))).astype(np.float32)
    jets[..., JET_FEATURES.index("pt")] = 15 + rng.exponential(mean_pt, (n_events, N_JETS))
    jets[..., JET_FEATURES.index("nConstituents")] = 1 + rng.poisson(mean_pt, (n_events, N_JETS))
    n_jets = np.minimum(rng.poisson(mean_jets, n_events), N_JETS)
    jets[np.arange(N_JETS) >= n_jets[:, None]] = 0
    order = np.argsort(-jets[..., 0], axis=1, kind="stable")
    return np.take_along_axis(jets, order[..., None], axis=1)


def write_jet_file(
    path: Path, n_events: int = 400, mean_jets: float = 3.0, mean_pt: float = 15.0, seed: int = 0
) -> Path:
    """Write a small jet file in the layout of docs/data_formats.md."""
    with h5py.File(path, "w") as file:
        file.attrs["sample"] = path.stem
        file[JET_DATASET] = make_jets(n_events, mean_jets, mean_pt, seed)
        file[JET_DATASET].attrs["features"] = list(JET_FEATURES)
    return path


@pytest.fixture
def write_jets(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of small jet files into the test's directory, by name."""
    return lambda name, **settings: write_jet_file(tmp_path / f"{name}.h5", **settings)


def make_images(n_events: int, mean_et: float, hot_et: float, seed: int) -> NDArray[np.uint16]:
    """Return `(n_events, 18, 14)` region E_T: a soft spectrum that is louder at large |η|, and one hot region."""
    rng = np.random.default_rng(seed)
    profile = 1 + np.linspace(-1, 1, CALO_SHAPE[1]) ** 4
    images = rng.exponential(mean_et * profile, (n_events, *CALO_SHAPE))
    hot = (np.arange(n_events), rng.integers(0, CALO_SHAPE[0], n_events), rng.integers(0, CALO_SHAPE[1], n_events))
    images[hot] += rng.exponential(hot_et, n_events)
    return np.minimum(images, 1023).astype(np.uint16)


def write_image_file(
    path: Path,
    n_events: int = 400,
    mean_et: float = 2.0,
    hot_et: float = 5.0,
    seed: int = 0,
    images: NDArray[np.generic] | None = None,
    dataset: str = CALO_DATASET,
) -> Path:
    """Write a small image file in the layout of docs/data_formats.md; `images` replaces the made-up ones."""
    with h5py.File(path, "w") as file:
        file.attrs["sample"] = path.stem
        file[dataset] = make_images(n_events, mean_et, hot_et, seed) if images is None else images
    return path


def make_table(n_rows: int, seed: int, shift: float = 0.0) -> NDArray[np.float32]:
    """Return `(n_rows, 5)` numbers of very different size: an energy, a mass, an angle, a ratio and a count."""
    rng = np.random.default_rng(seed)
    energy = 20 + rng.exponential(10 + 30 * shift, n_rows)
    mass = 0.1 * energy * (1 + rng.random(n_rows)) + shift
    angle, ratio = rng.uniform(-3, 3, n_rows), rng.beta(2, 5 + shift, n_rows)
    return np.stack([energy, mass, angle, ratio, rng.poisson(3 + shift, n_rows)], axis=1).astype(np.float32)


TABLE_COLUMNS = ("energy", "mass", "angle", "ratio", "count")


def write_table_file(path: Path, table: NDArray[np.generic], dataset: str = "table") -> Path:
    """Write a small table in the layout of docs/data_formats.md."""
    with h5py.File(path, "w") as file:
        file[dataset] = table
        file[dataset].attrs["features"] = list(TABLE_COLUMNS[: table.shape[1]])
    return path


@pytest.fixture
def write_images(tmp_path: Path) -> Callable[..., Path]:
    """Return a writer of small image files into the test's directory, by name."""
    return lambda name, **settings: write_image_file(tmp_path / f"{name}.h5", **settings)
