"""Images, and events as tables of objects and features, beside their reconstructions."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.labels import feature_name

FloatArray = NDArray[np.float64]

PEAKED = 20.0
"""An image whose largest value exceeds its mean absolute value this many times gets a compressed colour scale."""


def draw_images(
    inputs: FloatArray,
    outputs: FloatArray,
    titles: Sequence[str],
    labels: ImageLabels,
    note: str | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """One row per entry: input, reconstruction on the same colours, and their difference.

    Args:
        inputs: (N, H, W) entries to show.
        outputs: (N, H, W) reconstructions.
        titles: one per entry.
        labels: of the colours and of the axes.
        note: what the data are.
        names: W feature names, where the columns are features and the rows objects.
    """
    size = (17.0, 1.2 + 3.6 * len(inputs)) if names is not None else (13.5, 1.2 + 4.2 * len(inputs))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(inputs), 3, squeeze=False, sharex=True, sharey=True)
    for row, image, remade, title in zip(grid, inputs, outputs, titles, strict=True):
        colors = image_colors(np.stack([image, remade]))
        change = remade - image
        largest = float(np.abs(change).max()) or 1.0
        row[0].pcolormesh(image, cmap="viridis", norm=colors)
        same = row[1].pcolormesh(remade, cmap="viridis", norm=colors)
        difference = row[2].pcolormesh(change, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for axes in row:
            _ticks(axes, image.shape, names)
        row[0].set_ylabel(f"{title}\n{labels.vertical}", fontsize=16, loc="center")
        for mesh, beside in ((same, row[:2]), (difference, row[2])):
            bar = figure.colorbar(mesh, ax=beside, pad=0.01, aspect=15)
            bar.set_label(labels.value, fontsize=14, loc="center")
            bar.ax.tick_params(labelsize=13)
            if isinstance(mesh.norm, AsinhNorm):
                bar.set_ticks(_asinh_ticks(mesh.norm))
    for axes, text in zip(grid[0], ("Input", "Reconstruction", "Reconstruction − input"), strict=True):
        axes.set_title(text, fontsize=18)
    for axes in grid[-1]:
        axes.set_xlabel(labels.horizontal, fontsize=16)
    figure.suptitle(r"$\mathbf{hepad}$" + (f"   {note}" if note else ""), x=0.01, ha="left", fontsize=20)
    return figure


def image_colors(values: FloatArray) -> Normalize:
    """Linear, unless a few pixels hold almost everything: then logarithmic above the mean and linear below it."""
    low, high = float(values.min()), float(values.max())
    typical = float(np.abs(values).mean())
    if low == high:
        return Normalize(low, low + 1)
    if typical > 0 and max(high, -low) > PEAKED * typical:
        return AsinhNorm(linear_width=typical, vmin=low, vmax=high)
    return Normalize(low, high)


def _asinh_ticks(norm: AsinhNorm) -> list[float]:
    """Zero, and the powers of ten where the scale is logarithmic: between the two there is no room for numbers."""
    low, high = np.log10([norm.linear_width, max(norm.vmax or 1.0, norm.linear_width)])
    return [0.0, *(10.0**k for k in range(math.ceil(low), math.floor(high) + 1))]


def _ticks(axes: Axes, shape: tuple[int, ...], names: Sequence[str] | None) -> None:
    axes.minorticks_off()
    axes.tick_params(which="both", length=0, labelsize=13)
    if names is None:
        axes.set_aspect("equal")
        return
    axes.set_xticks(np.arange(len(names)) + 0.5, [feature_name(name) for name in names], rotation=90, fontsize=10)
    axes.set_yticks(np.arange(shape[0]) + 0.5, [str(i + 1) for i in range(shape[0])])
    axes.set_ylim(shape[0], 0)
