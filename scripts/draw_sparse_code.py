"""Draw which units of a sparse autoencoder's code are active: `python scripts/draw_sparse_code.py RUN_DIR [DIR]`."""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

import hepad
from hepad.models import SparseAutoencoder
from hepad.plots import sample_styles, save_figure
from hepad.plots.style import house_style, legend_above_data, sign
from hepad.run.building import build_data

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SAMPLES = ("zero_bias", "ttbar", "jet_ht")


def main() -> None:
    """Draw the picture of docs/models/denoising_sparse.md from the run of `model=sparse_ae`."""
    run = hepad.load_run(sys.argv[1])
    model = run.model
    assert isinstance(model, SparseAutoencoder)
    data = build_data(run.settings)
    codes = {}
    for name in SAMPLES:
        batch = data.test_entries[name].batch
        with torch.no_grad():
            codes[name] = model.code(model.normalizer(batch.x, batch.mask)).numpy()
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    with house_style():
        save_figure(activity(codes), directory / "sparse_code")


def activity(codes: dict[str, NDArray[np.float32]]) -> Figure:
    """Return how many units are active at once, and in which share of the entries each unit is."""
    figure = Figure(figsize=(17, 7), layout="constrained")
    left, right = figure.subplots(1, 2)
    looks = sample_styles(codes)
    order = np.argsort(-(codes[SAMPLES[0]] > 0).mean(axis=0))
    n_units = len(order)
    for name, code in codes.items():
        active, look = code > 0, looks[name]
        shares = np.bincount(active.sum(axis=1), minlength=n_units + 1) / len(code)
        left.stairs(shares, np.arange(n_units + 2) - 0.5, color=look.color, linewidth=2.2, label=look.label)
        right.plot(active.mean(axis=0)[order], look.marker, color=look.color, markersize=8, label=look.label)
    left.set_xlabel(f"Active units of {n_units}")
    left.set_ylabel("Share of the jets")
    right.set_xlabel("Unit, most often active first")
    right.set_ylabel("Share of the jets that activate it")
    right.set_ylim(0, 1.05)
    sign(left)
    legend_above_data(left, columns=3)
    right.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    main()
