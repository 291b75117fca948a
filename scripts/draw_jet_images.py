"""Draw the pictures of docs/models/jet_images.md from the bundled jets: `python scripts/draw_jet_images.py [DIR]`."""

import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.core.hdf5 import open_hdf5
from hepad.data.jet_images import read_constituents
from hepad.data.jet_preprocessing import JetImaging
from hepad.plots import save_figure
from hepad.plots.style import house_style

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SAMPLES = {"qcd_jets": "QCD", "top_jets": "top"}
STEPS = {
    "centred": JetImaging(rotate=False, flip=False),
    "rotated": JetImaging(flip=False),
    "flipped": JetImaging(),
}


def main() -> None:
    """Draw the mean images of both samples, and the steps of the preprocessing for one jet of each."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    jets = {}
    for sample in SAMPLES:
        with open_hdf5(bundled_files()[sample]) as file:
            jets[sample] = read_constituents(file, sample)
    with house_style():
        save_figure(mean_images(jets), directory / "jet_images_mean")
        save_figure(single_jets(jets), directory / "jet_images_steps")


def mean_images(jets: dict[str, NDArray[np.float32]]) -> Figure:
    """Return the mean image of each sample on common colours."""
    means = {sample: JetImaging().images(found).mean(axis=0)[0] for sample, found in jets.items()}
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    grid = figure.subplots(1, len(means), sharey=True)
    for axes, (sample, image) in zip(grid, means.items(), strict=True):
        mesh = draw(axes, image, f"{len(jets[sample])} {SAMPLES[sample]} jets", low=1e-6, high=5e-2)
    figure.colorbar(mesh, ax=list(grid), aspect=25).set_label("Mean share of the jet's $p_T$", loc="center")
    return figure


def single_jets(jets: dict[str, NDArray[np.float32]], row: int = 3) -> Figure:
    """Return one jet of each sample after each step."""
    figure = Figure(figsize=(15, 9.6), layout="constrained")
    grid = figure.subplots(len(jets), len(STEPS), sharex=True, sharey=True)
    for line, (sample, found) in zip(grid, jets.items(), strict=True):
        for axes, (step, imaging) in zip(line, STEPS.items(), strict=True):
            mesh = draw(axes, imaging.images(found[row : row + 1])[0, 0], f"{SAMPLES[sample]} jet, {step}", 1e-4, 0.5)
    figure.colorbar(mesh, ax=grid.ravel().tolist(), aspect=35).set_label("Share of the jet's $p_T$", loc="center")
    return figure


def draw(axes: Axes, image: NDArray[np.float32], title: str, low: float, high: float) -> QuadMesh:
    """Draw one image on logarithmic colours, with the axes of the detector."""
    edges = np.linspace(-0.8, 0.8, len(image) + 1)
    axes.set_facecolor("#440154")
    mesh = axes.pcolormesh(edges, edges, np.where(image > 0, image, np.nan), cmap="viridis", norm=LogNorm(low, high))
    axes.set_title(title, fontsize=18)
    axes.set_aspect("equal")
    axes.minorticks_off()
    axes.set_xlabel("Δη", fontsize=18, loc="center")
    axes.set_ylabel("Δφ", fontsize=18, loc="center", labelpad=12)
    axes.label_outer()
    return mesh


if __name__ == "__main__":
    main()
