"""Draw the pictures of docs/losses.md and docs/normalizers.md: `python scripts/draw_losses.py [DIR]`."""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from hepad.bundled import bundled_files
from hepad.data import JetsDataModule
from hepad.losses import MAE, MAPE, MSE, Huber, LogCosh
from hepad.nn import NORMALIZERS, InputNormalizer
from hepad.plots import sample_styles, save_figure
from hepad.plots.style import house_style, new_figure, sign

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
LOSSES = {
    "mse": (MSE(), "-", "#3f90da"),
    "mae": (MAE(), "--", "#e76300"),
    "huber, δ = 1": (Huber(), "-.", "#bd1f01"),
    "log_cosh": (LogCosh(), ":", "#832db6"),
    "mape at x = 2": (MAPE(), (0, (1, 1)), "#717581"),
}


def main() -> None:
    """Draw both pictures."""
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    with house_style():
        save_figure(elementwise(), directory / "losses_elementwise")
        save_figure(normalized_pt(), directory / "normalizers_pt")


def elementwise() -> Figure:
    """Return what each elementwise loss makes of a deviation."""
    deviation = torch.linspace(-4, 4, 401)
    figure, axes = new_figure()
    for name, (loss, line, color) in LOSSES.items():
        x = torch.full_like(deviation, 2.0)
        axes.plot(deviation, loss.elementwise(x + deviation, x), linestyle=line, color=color, label=name)
    axes.set_ylim(0, 6)
    axes.set_xlim(-4, 4)
    axes.set_xlabel(r"$\hat{x} - x$ [spreads of the feature]")
    axes.set_ylabel("Loss of one element")
    axes.legend(loc="upper center")
    return figure


def normalized_pt() -> Figure:
    """Return the distribution of the normalised jet pT under each normaliser, zero bias beside ttbar."""
    samples = ("zero_bias", "ttbar")
    others = {name: None for name in bundled_files() if name not in samples}
    data = JetsDataModule(samples=others, background="zero_bias")
    data.setup()
    train = data.train_entries.batch.x
    figure = Figure(figsize=(22, 5.2), layout="constrained")
    grid = figure.subplots(1, len(NORMALIZERS), sharey=True)
    looks = sample_styles(samples)
    for axes, kind in zip(grid, NORMALIZERS, strict=True):
        normalizer = InputNormalizer(kind, data.entry_shape)
        normalizer.fit(train)
        values = {name: normalizer(data.test_entries[name].batch.x)[:, 0].numpy() for name in samples}
        edges = np.linspace(min(map(np.min, values.values())), np.quantile(values["ttbar"], 0.999), 50)
        for name, z in values.items():
            look = looks[name]
            shares = np.histogram(z, bins=edges)[0] / z.size
            axes.stairs(shares, edges, color=look.color, linewidth=2, label=look.label, fill=name == "zero_bias")
        axes.set_yscale("log")
        axes.set_ylim(1e-4, 1)
        axes.set_title(kind, fontsize=18)
        axes.set_xlabel(r"Normalised jet $p_\mathrm{T}$", fontsize=17)
    grid[0].set_ylabel("Share of jets")
    grid[0].legend(loc="upper right", fontsize=15)
    sign(grid[0])
    return figure


if __name__ == "__main__":
    main()
