"""Entries that a model generated, beside real ones."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.labels import FloatArray, feature_edges, feature_label
from hepad.plots.style import SEQUENTIAL, house_style, sign

_COLUMNS = 4
_REAL, _GENERATED = "0.75", "#bd1f01"
_HIGHEST_RATIO: Final = 2.0
_WORTH_SAYING: Final = 5e-4
_CONSTANT_BINS: Final = 21
_SHOWN_IMAGES: Final = 4
"""Odd, so that the one value lies in the middle of a bin."""

_BEYOND: Final[dict[str, Any]] = {"marker": "^", "markersize": 6, "color": _GENERATED}
_NEVER_REAL: Final[dict[str, Any]] = {"marker": "^", "markersize": 6, "color": _GENERATED, "markerfacecolor": "white"}
_NEVER_MADE: Final[dict[str, Any]] = {"marker": "v", "markersize": 6, "color": "0.4", "markerfacecolor": "white"}


def plot_generated_features(
    real: ArrayLike, generated: ArrayLike, feature_names: Sequence[str], *, note: str | None = None
) -> Figure:
    """The distribution of each feature, of real entries (filled) and of generated ones (line), each normalised to one.

    Under each the ratio of made-up to real with the statistical uncertainty of both; arrows where it lies beyond the
    axis, where something was made that is never real, and where nothing was. Each panel says which shares its axis
    leaves out.

    Args:
        real: `(N, F)` real objects, raw units.
        generated: `(M, F)` generated objects.
        feature_names: F names.
        note: what the data are.

    Raises:
        ValueError: no entries, or shapes that do not fit the names.
    """
    x, y = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    if not x.size or not y.size or x.shape[1:] != y.shape[1:] or x.shape[1:] != (len(feature_names),):
        raise ValueError(
            f"real {x.shape} and generated {y.shape} entries do not fit {len(feature_names)} feature names"
        )
    rows = math.ceil((len(feature_names) + 1) / _COLUMNS)
    with house_style():
        figure = Figure(figsize=(4.2 * _COLUMNS, 4.4 * rows), layout="constrained")
        grid = figure.subplots(2 * rows, _COLUMNS, squeeze=False, height_ratios=(3, 1) * rows)
        panels = [(grid[2 * row, i], grid[2 * row + 1, i]) for row in range(rows) for i in range(_COLUMNS)]
        for i, ((axes, below), name) in enumerate(zip(panels, feature_names, strict=False)):
            _draw_feature(axes, below, x[:, i], y[:, i], name)
        sign(grid[0, 0], note)
        _draw_key(panels[len(feature_names)][0])
        for axes in [
            panels[len(feature_names)][1],
            *(axes for pair in panels[len(feature_names) + 1 :] for axes in pair),
        ]:
            axes.set_axis_off()
    return figure


def plot_generated_images(
    real: ArrayLike,
    generated: ArrayLike,
    *,
    labels: ImageLabels | None = None,
    note: str | None = None,
) -> Figure:
    """The first few real images above generated ones, and the mean of all of either; one colour scale, logarithmic.

    Args:
        real: `(N, C, H, W)` real images, raw units; channels are summed.
        generated: `(M, C, H, W)` generated ones.
        labels: what the pixels and the axes are.
        note: what the data are.
    """
    rows = [np.asarray(images, dtype=np.float64).sum(axis=1) for images in (real, generated)]
    shown = min(_SHOWN_IMAGES, *(len(images) for images in rows))
    pictures = [[*images[:shown], images.mean(axis=0)] for images in rows]
    high = max(float(np.max(row)) for row in pictures)
    # Four decades below the brightest pixel is dark; images that hold nothing have no scale of their own.
    norm = LogNorm(vmin=high * 1e-4, vmax=high, clip=True) if high > 0 else LogNorm(vmin=1e-4, vmax=1, clip=True)
    names = labels or ImageLabels()
    with house_style():
        figure = Figure(figsize=(3.0 * (shown + 1) + 1, 7.5), layout="constrained")
        grid = figure.subplots(2, shown + 1, squeeze=False)
        for axes_row, row, kind in zip(grid, pictures, ("Real", "Generated"), strict=True):
            for i, (axes, image) in enumerate(zip(axes_row, row, strict=True)):
                mesh = axes.imshow(np.maximum(image, norm.vmin or 0), norm=norm, cmap=SEQUENTIAL, origin="lower")
                axes.set_xticks([])
                axes.set_yticks([])
                if i == shown:
                    axes.set_title("Mean of all", fontsize=16)
            axes_row[0].set_ylabel(f"{kind}\n{names.vertical}", fontsize=16, loc="center")
        for axes in grid[-1]:
            axes.set_xlabel(names.horizontal, fontsize=16, loc="center")
        sign(grid[0][0], note)
        bar = figure.colorbar(mesh, ax=grid, pad=0.02, shrink=0.8)
        bar.set_label(names.value, fontsize=16, loc="center")
    return figure


def _draw_feature(axes: Axes, below: Axes, real: FloatArray, generated: FloatArray, name: str) -> None:
    edges, log = _edges(real, generated)
    counts = [np.histogram(values, bins=edges)[0] for values in (real, generated)]
    shares = [count / values.size for count, values in zip(counts, (real, generated), strict=True)]
    axes.stairs(shares[0], edges, fill=True, color=_REAL)
    axes.stairs(_visible(shares[1]), edges, baseline=None, color=_GENERATED, linewidth=2)
    for part in (axes, below):
        if log:
            part.set_xscale("log")
        part.set_xlim(edges[0], edges[-1])
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 / real.size)
    axes.tick_params(labelsize=12)
    axes.tick_params(which="both", bottom=False, top=False, labelbottom=False)
    # Not below 0, as rounding may have it.
    outside = [max(0.0, 1 - float(share.sum())) for share in shares]
    if max(outside) >= _WORTH_SAYING:
        said = f"Outside: real {outside[0]:.1%}, generated {outside[1]:.1%}"
        axes.text(0.97, 0.96, said, transform=axes.transAxes, ha="right", va="top", fontsize=12)
        axes.set_ylim(top=8 * axes.get_ylim()[1])
    _draw_ratio(below, edges, counts, real.size / generated.size)
    below.set_xlabel(feature_label(name), fontsize=16)


def _edges(real: FloatArray, generated: FloatArray) -> tuple[FloatArray, bool]:
    """Edges of the bins, and whether they are logarithmic: the range of real entries and one bin more on either side.

    Where real entries have one value only, the range is as wide as what was generated.
    """
    if real.min() == real.max():
        reach = float(np.quantile(np.abs(generated - real[0]), 0.99)) or 0.5
        return real[0] + np.linspace(-reach, reach, _CONSTANT_BINS + 1), False
    edges, log = feature_edges(real, 40)
    if log:
        return np.array([edges[0] ** 2 / edges[1], *edges, edges[-1] ** 2 / edges[-2]]), True
    return np.array([2 * edges[0] - edges[1], *edges, 2 * edges[-1] - edges[-2]]), False


def _draw_ratio(axes: Axes, edges: FloatArray, counts: Sequence[NDArray[np.int64]], scale: float) -> None:
    real, generated = counts
    middle = 0.5 * (edges[1:] + edges[:-1])
    ratio = scale * generated / np.maximum(real, 1)
    # Poisson counts: relative variances add.
    error = ratio * np.sqrt(1 / np.maximum(real, 1) + 1 / np.maximum(generated, 1))
    axes.axhline(1, color=_REAL)
    shown = (real > 0) & (generated > 0) & (ratio <= _HIGHEST_RATIO)
    axes.errorbar(middle[shown], ratio[shown], error[shown], fmt="o", markersize=3, color=_GENERATED, linewidth=1)
    for bins, height, style in (
        ((real > 0) & (ratio > _HIGHEST_RATIO), _HIGHEST_RATIO, _BEYOND),
        ((real == 0) & (generated > 0), _HIGHEST_RATIO, _NEVER_REAL),
        ((real > 0) & (generated == 0), 0.0, _NEVER_MADE),
    ):
        if bins.any():
            (arrows,) = axes.plot(middle[bins], np.full(bins.sum(), height), linestyle="none", clip_on=False, **style)
            arrows.set_in_layout(False)
    axes.set_ylim(0, _HIGHEST_RATIO)
    # Small panels need no minor ticks, and drawing them takes as long as all the rest.
    axes.minorticks_off()
    axes.set_ylabel("Ratio", fontsize=12, loc="center")
    axes.tick_params(labelsize=12)


def _visible(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Empty bins as a line at the bottom: zero has no place on a logarithmic axis."""
    return np.maximum(shares, 1e-12)


def _draw_key(axes: Axes) -> None:
    axes.set_axis_off()
    axes.stairs([], [0], fill=True, color=_REAL, label="Real")
    axes.plot([], [], color=_GENERATED, label="Generated")
    for label, style in (
        (f"Ratio above {_HIGHEST_RATIO:g}", _BEYOND),
        ("Made, never real", _NEVER_REAL),
        ("Real, never made", _NEVER_MADE),
    ):
        axes.plot([], [], linestyle="none", label=label, **style)
    # Higher than the panel, it would leave no room for the others.
    axes.legend(loc="upper center", fontsize=15).set_in_layout(False)
