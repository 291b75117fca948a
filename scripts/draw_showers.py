"""Draw the pictures of docs/showers.md from the bundled showers: `python scripts/draw_showers.py [DIR]`."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import INCIDENT_ENERGY, SHOWER_DATASET, ImageLabels
from hepad.plots import save_figure
from hepad.plots.style import house_style
from hepad.plots.volumes import plot_mean_volumes
from hepad.simulation.shower_shapes import CRITICAL_ENERGY
from hepad.simulation.showers import CONVERSION, DEPTH

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SAMPLES = {"photon_showers": ("Photons", "#20639b"), "pion_showers": ("Pions", "#bd1f01")}
_LABELS = ImageLabels("Visible energy [MeV]", horizontal="Cell in x", vertical="Cell in y")
_BANDS = ((10, 20), (40, 60), (90, 100))

Showers = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def main() -> None:
    """Draw single showers beside the mean ones, and what the simulation promises of them."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    showers: Showers = {}
    for sample in SAMPLES:
        with open_hdf5(bundled_files()[sample]) as file:
            showers[sample] = (file[SHOWER_DATASET][:], file[INCIDENT_ENERGY][:])
    save_figure(single_showers(showers), directory / "showers_single")
    with house_style():
        save_figure(profiles(showers), directory / "showers_profiles")


def single_showers(showers: Showers) -> Figure:
    """Return a shower of each kind of about 50 GeV, and the mean of those from 40 to 60 GeV."""
    volumes = {}
    for sample, (cells, energy) in showers.items():
        name = SAMPLES[sample][0]
        row = int(np.abs(energy - 50).argmin())
        volumes[f"{name[:-1]},\n{energy[row]:.0f} GeV"] = cells[row]
        volumes[f"{name},\nmean of 40–60 GeV"] = cells[(energy > 40) & (energy < 60)].mean(axis=0)
    return plot_mean_volumes(volumes, label="Visible energy [MeV]", labels=_LABELS)


def profiles(showers: Showers) -> Figure:
    """Return the longitudinal profile in bands of energy, and the resolution against the energy."""
    figure = Figure(figsize=(15, 6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _longitudinal(left, showers)
    _resolution(right, showers["photon_showers"])
    return figure


def _longitudinal(axes: Axes, showers: Showers) -> None:
    for sample, (cells, energy) in showers.items():
        name, colour = SAMPLES[sample]
        n_layers = cells.shape[1]
        depth = (np.arange(n_layers) + 0.5) * DEPTH / n_layers
        for (low, high), style in zip(_BANDS, (":", "--", "-"), strict=True):
            layers = cells[(energy > low) & (energy < high)].sum(axis=(2, 3), dtype=float).mean(axis=0)
            label = f"{name}, {low} to {high} GeV"
            axes.plot(depth, layers / layers.sum() / DEPTH * n_layers, style, color=colour, label=label)
            if sample == "photon_showers":
                maximum = np.log((low + high) / 2 / CRITICAL_ENERGY) - 0.858 + CONVERSION
                axes.axvline(maximum, linestyle=style, color="0.7", zorder=0)
    axes.set(xlabel="Depth [$X_0$]", ylabel="Share of the energy per $X_0$")
    axes.set_ylim(0, 1.5 * axes.get_ylim()[1])
    axes.legend(fontsize=14, ncols=2)


def _resolution(axes: Axes, photons: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    cells, energy = photons
    response = cells.sum(axis=(1, 2, 3), dtype=float) / (1000 * energy)
    edges = np.linspace(10, 100, 10)
    place = np.digitize(energy, edges) - 1
    centres = (edges[1:] + edges[:-1]) / 2
    bands = [response[place == i] for i in range(9)]
    widths = [band.std() / band.mean() for band in bands]
    errors = [width / np.sqrt(2 * len(band)) for width, band in zip(widths, bands, strict=True)]
    axes.errorbar(centres, widths, errors, fmt="o", color="#20639b", label="Photons, all effects")
    axes.plot(centres, 0.15 / np.sqrt(centres), color="0.5", label=r"Sampling alone, $15\%/\sqrt{E}$")
    axes.set(xlabel="Incident energy [GeV]", ylabel="Relative width of the response")
    axes.set_ylim(0, 1.4 * axes.get_ylim()[1])
    axes.legend(fontsize=16)


if __name__ == "__main__":
    main()
