"""Entries that a model made up, beside real ones."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hepad.plots.binning import FloatArray, feature_edges
from hepad.plots.labels import feature_label
from hepad.plots.style import house_style, sign

_COLUMNS = 4
_REAL, _GENERATED = "0.75", "#bd1f01"


def plot_generated_features(
    real: ArrayLike, generated: ArrayLike, feature_names: Sequence[str], *, note: str | None = None
) -> Figure:
    """The distribution of each feature, of real entries (filled) and of made-up ones (line), each normalised to one.

    Args:
        real: `(N, F)` real objects, raw units.
        generated: `(M, F)` made-up objects.
        feature_names: F names.
        note: what the data are.

    Raises:
        ValueError: no entries, or shapes that do not fit the names.
    """
    x, y = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    if not x.size or not y.size or x.shape[1:] != y.shape[1:] or x.shape[1:] != (len(feature_names),):
        raise ValueError(f"real {x.shape} and made-up {y.shape} entries do not fit {len(feature_names)} feature names")
    rows = math.ceil((len(feature_names) + 1) / _COLUMNS)
    with house_style():
        figure = Figure(figsize=(4.2 * _COLUMNS, 3.4 * rows), layout="constrained")
        panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for i, (axes, name) in enumerate(zip(panels, feature_names, strict=False)):
            _draw_feature(axes, x[:, i], y[:, i], name)
        sign(panels[0], note)
        _draw_key(panels[len(feature_names)])
        for axes in panels[len(feature_names) + 1 :]:
            axes.set_axis_off()
    return figure


def plot_generated_images(real: ArrayLike, generated: ArrayLike, *, shown: int = 4, note: str | None = None) -> Figure:
    """The first few real images above made-up ones, and the mean of all of either; one colour scale, logarithmic.

    Args:
        real: `(N, C, H, W)` real images, raw units; channels are summed.
        generated: `(M, C, H, W)` made-up ones.
        shown: images of either kind to show.
        note: what the data are.
    """
    rows = [np.asarray(images, dtype=np.float64).sum(axis=1) for images in (real, generated)]
    shown = min(shown, *(len(images) for images in rows))
    pictures = [[*images[:shown], images.mean(axis=0)] for images in rows]
    high = max(float(np.max(row)) for row in pictures)
    # Four decades below the brightest pixel is dark; images that hold nothing have no scale of their own.
    norm = LogNorm(vmin=high * 1e-4, vmax=high, clip=True) if high > 0 else LogNorm(vmin=1e-4, vmax=1, clip=True)
    with house_style():
        figure = Figure(figsize=(3.0 * (shown + 1) + 1, 7.5), layout="constrained")
        grid = figure.subplots(2, shown + 1, squeeze=False)
        for axes_row, row, kind in zip(grid, pictures, ("Real", "Made up"), strict=True):
            for i, (axes, image) in enumerate(zip(axes_row, row, strict=True)):
                mesh = axes.imshow(np.maximum(image, norm.vmin or 0), norm=norm, cmap="viridis", origin="lower")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.set_xlabel("mean" if i == shown else "")
            axes_row[0].set_ylabel(kind)
        sign(grid[0][0], note)
        figure.colorbar(mesh, ax=grid, pad=0.02, shrink=0.8)
    return figure


def _draw_feature(axes: Axes, real: FloatArray, generated: FloatArray, name: str) -> None:
    edges, log = feature_edges(real, 40)
    shares = [
        np.histogram(values.clip(edges[0], edges[-1]), bins=edges)[0] / max(values.size, 1)
        for values in (real, generated)
    ]
    axes.stairs(shares[0], edges, fill=True, color=_REAL)
    axes.stairs(_visible(shares[1]), edges, baseline=None, color=_GENERATED, linewidth=2)
    if log:
        axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 / max(real.size, 1))
    axes.set_xlabel(feature_label(name), fontsize=16)
    axes.tick_params(labelsize=12)


def _visible(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Empty bins as a line at the bottom: zero has no place on a logarithmic axis."""
    return np.maximum(shares, 1e-12)


def _draw_key(axes: Axes) -> None:
    axes.set_axis_off()
    axes.stairs([], [0], fill=True, color=_REAL, label="Real")
    axes.plot([], [], color=_GENERATED, label="Made up")
    axes.legend(loc="center")
