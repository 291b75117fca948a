"""Small made-up fat jets in the layout of docs/data_formats.md."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.schema import CONSTITUENT_FEATURES, FAT_JET_FEATURES
from hepad.data.jet_images import jet_observables


def make_fat_jets(n_jets: int, n_prongs: int, seed: int) -> NDArray[np.float32]:
    """Return `(n_jets, 20, 3)` constituents of jets with `n_prongs` cores, by falling pT, zero padded."""
    rng = np.random.default_rng(seed)
    pt = rng.exponential(30, (n_jets, 20)) + 0.5
    jet = rng.uniform([-1.5, -np.pi], [1.5, np.pi], (n_jets, 1, 2))
    cores = rng.normal(0, 0.25, (n_jets, n_prongs, 2)) * (n_prongs > 1)
    core = np.take_along_axis(cores, rng.integers(0, n_prongs, (n_jets, 20))[..., None], axis=1)
    direction = jet + core + rng.normal(0, 0.05, (n_jets, 20, 2))
    direction[..., 1] = (direction[..., 1] + np.pi) % (2 * np.pi) - np.pi
    constituents = np.concatenate([pt[..., None], direction], axis=2)
    constituents[np.arange(20) >= rng.integers(8, 20, n_jets)[:, None]] = 0
    order = np.argsort(-constituents[..., 0], axis=1, kind="stable")
    return np.take_along_axis(constituents, order[..., None], axis=1).astype(np.float32)


def write_fat_jet_file(path: Path, n_jets: int = 200, n_prongs: int = 1, seed: int = 0, features: bool = True) -> Path:
    """Write a small file of fat jets, with `jet_features` or without."""
    constituents = make_fat_jets(n_jets, n_prongs, seed)
    columns = jet_observables(constituents) | {"area": np.full(n_jets, 2.0)}
    rng = np.random.default_rng(seed)
    columns |= {name: rng.poisson(27, n_jets) for name in ("n_pileup", "n_vertices")}
    with h5py.File(path, "w") as file:
        file.attrs["sample"] = path.stem
        file["jet_constituents"] = constituents
        file["jet_constituents"].attrs["features"] = list(CONSTITUENT_FEATURES)
        if features:
            file["jet_features"] = np.stack([columns[name] for name in FAT_JET_FEATURES], axis=1).astype(np.float32)
            file["jet_features"].attrs["features"] = list(FAT_JET_FEATURES)
    return path
