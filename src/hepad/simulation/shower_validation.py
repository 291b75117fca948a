"""Checks of samples of showers: response, depth, width and hits, as plots and a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import INCIDENT_ENERGY, SHOWER_DATASET
from hepad.simulation.records import Array
from hepad.simulation.validation_shares import Shares, draw_shares

_SHARES: Final = np.linspace(0, 1, 51)
_PLOTS: Final = {
    "response": Shares(np.linspace(0, 0.045, 46), "Visible over incident energy"),
    "hits": Shares(np.linspace(0, 0.6, 61), "Share of cells that are hit"),
    "hottest": Shares(_SHARES, "Share of the energy in the hottest cell"),
    "depth": Shares(_SHARES, "Mean depth, in parts of the calorimeter's"),
    "width": Shares(np.linspace(0, 0.5, 51), "Mean distance from the middle, in parts of the width"),
}


def validate_showers(files: Mapping[str, Path], directory: Path, limit: int = 2000) -> list[Path]:
    """Draw the plots of `files` in `directory`, print the table, and return what was written.

    Args:
        files: sample → its file.
        directory: where the plots go.
        limit: the most showers of a sample that are read.
    """
    samples = {}
    for sample, path in files.items():
        with open_hdf5(path) as file:
            samples[sample] = shower_quantities(file[SHOWER_DATASET][:limit], file[INCIDENT_ENERGY][:limit])
    directory.mkdir(parents=True, exist_ok=True)
    table = shower_table(samples)
    print(table)
    path = directory / "showers.txt"
    path.write_text(table + "\n")
    written = [path, *draw_shares(samples, _PLOTS, "Share of showers", directory, "shower_", beams="")]
    print(f"{len(written) - 1} validation plots of showers in {directory}")
    return written


def shower_quantities(cells: Array, energy: Array) -> dict[str, Array]:
    """Return quantity → (N,) of showers (N, Z, Y, X) in MeV of particles of `energy` (N,) in GeV; empty ones have 0."""
    flat = cells.reshape(len(cells), -1).astype(np.float64)
    total = flat.sum(axis=1)
    per_energy = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    n_layers, height, width = cells.shape[1:]
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    radius = np.hypot(y[:, None], x)
    layers = cells.sum(axis=(2, 3), dtype=np.float64)
    return {
        "response": total / (1000 * energy),
        "hits": (flat > 0).mean(axis=1),
        "hottest": flat.max(axis=1) * per_energy,
        "depth": layers @ ((np.arange(n_layers) + 0.5) / n_layers) * per_energy,
        "width": (cells.sum(axis=1, dtype=np.float64) * radius).sum(axis=(1, 2)) * per_energy,
    }


def shower_table(samples: Mapping[str, Mapping[str, Array]]) -> str:
    """Return a text table of mean and standard deviation of each quantity of each sample."""
    lines = [f"{'sample':15} {'showers':>7}" + "".join(f" {name:>17}" for name in _PLOTS)]
    for sample, quantities in samples.items():
        told = [f"{values.mean():.4f} ± {values.std():.4f}" for values in quantities.values()]
        lines.append(f"{sample:15} {len(quantities['response']):7}" + "".join(f" {words:>17}" for words in told))
    return "\n".join(lines)
