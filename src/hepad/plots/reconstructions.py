"""Inputs beside their reconstructions: the least, the middle and the most anomalous entry."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike, NDArray

from hepad.core.schema import ImageLabels
from hepad.plots.labels import feature_name
from hepad.plots.style import SEQUENTIAL, house_style, sign

FloatArray = NDArray[np.float64]

_CHOICES = ("Lowest score", "Median score", "Highest score")


def plot_reconstructions(
    x: ArrayLike,
    x_hat: ArrayLike,
    scores: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
    population: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    labels: ImageLabels | None = None,
    note: str | None = None,
) -> Figure:
    """The entries of lowest, median and highest score, and what the model made of them.

    Entries of features, (F,) or (objects, F), are shown in units of each feature's spread over a population;
    single vectors carry their raw values. Images, (H, W) or (H, W, C), keep their own unit; channels are summed.

    Args:
        x: (N, F), (N, M, F), (N, H, W) or (N, H, W, C) inputs in raw units.
        x_hat: reconstructions of the same shape and units.
        scores: (N,) anomaly scores.
        feature_names: F names; without them three- and four-dimensional `x` are images.
        population: (P, F) or (P, M, F) entries over which mean and spread of each feature are taken; `x` by default.
        mask: (N, M) true where an object is; the others are not drawn.
        labels: what the pixels and the axes of images are.
        note: what the data are.

    Raises:
        ValueError: shapes do not fit together, or no entries.

    >>> import numpy as np
    >>> from hepad.plots import plot_reconstructions
    >>> images = np.random.default_rng(0).random((20, 18, 14))
    >>> figure = plot_reconstructions(images, 0.9 * images, scores=images.mean(axis=(1, 2)))
    >>> [title for axes in figure.axes if (title := axes.get_title())][:3]
    ['Input', 'Reconstruction', 'Reconstruction − input']
    """
    inputs, outputs = np.asarray(x, dtype=np.float64), np.asarray(x_hat, dtype=np.float64)
    order = np.argsort(np.asarray(scores, dtype=np.float64), kind="stable")
    if inputs.shape != outputs.shape or order.shape != inputs.shape[:1] or not inputs.size:
        raise ValueError(
            f"inputs {inputs.shape}, reconstructions {outputs.shape}, scores {order.shape}: unequal or empty"
        )
    if inputs.ndim not in (2, 3, 4) or (inputs.ndim == 2 and feature_names is None):
        raise ValueError(f"entries of shape {inputs.shape[1:]} are neither named features nor images")
    if feature_names is not None and len(feature_names) != inputs.shape[-1]:
        raise ValueError(f"{len(feature_names)} feature names for entries of shape {inputs.shape[1:]}")
    picks, titles = picked_entries(np.asarray(scores, dtype=np.float64))
    with house_style():
        if inputs.ndim == 2 and feature_names is not None:
            mean, spread = _location_and_spread(inputs if population is None else population)
            return draw_vectors(inputs[picks], outputs[picks], mean, spread, titles, feature_names, note)
        if feature_names is not None:
            mean, spread = _location_and_spread(inputs if population is None else population)
            inputs, outputs = (inputs[picks] - mean) / spread, (outputs[picks] - mean) / spread
            if mask is not None:
                there = np.asarray(mask, dtype=bool)[picks]
                # Slots that no entry fills need no room.
                used = max(int(np.flatnonzero(there.any(axis=0)).max(initial=0)) + 1, 1)
                inputs, outputs = (
                    np.where(there[..., np.newaxis], values, np.nan)[:, :used] for values in (inputs, outputs)
                )
            table = ImageLabels("Spreads from the mean", horizontal="Feature", vertical="Object")
            return draw_images(inputs, outputs, titles, table, note, feature_names)
        if inputs.ndim == 4:
            inputs, outputs = inputs.sum(-1), outputs.sum(-1)
        return draw_images(inputs[picks], outputs[picks], titles, labels or ImageLabels(), note)


def picked_entries(scores: FloatArray) -> tuple[list[int], list[str]]:
    """Return which entries have the lowest, the median and the highest score, and what to write beside each."""
    order = np.argsort(scores, kind="stable")
    picks = [int(order[i]) for i in dict.fromkeys((0, order.size // 2, order.size - 1))]
    names = _CHOICES if len(picks) == 3 else ("Lowest score", "Highest score")[: len(picks)]
    return picks, [f"{name}: {scores[i]:.4g}" for name, i in zip(names, picks, strict=True)]


def _location_and_spread(population: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each feature, `(F,)` each; 1 for the spread of a constant one."""
    values = np.asarray(population, dtype=np.float64)
    flat = values.reshape(-1, values.shape[-1])
    spread = flat.std(axis=0)
    spread[spread == 0] = 1.0
    return flat.mean(axis=0), spread


def draw_vectors(
    inputs: FloatArray,
    outputs: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    titles: Sequence[str],
    names: Sequence[str],
    note: str | None = None,
) -> Figure:
    """One panel per entry: input and reconstruction of every feature in spreads from its mean, raw values above.

    Args:
        inputs: (N, F) entries to show, in raw units.
        outputs: (N, F) reconstructions.
        mean: (F,) the zero of each feature's scale.
        spread: (F,) the unit of each feature's scale.
        titles: one per entry.
        names: F feature names.
        note: what the data are.
    """
    figure = Figure(figsize=(max(8.0, 2.5 + 0.72 * len(names)), 1.8 + 2.7 * len(inputs)), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(inputs), 1, sharex=True))
    sign(rows[0], note)
    columns = np.arange(len(names))
    for axes, given, remade, title in zip(rows, inputs, outputs, titles, strict=True):
        a, b = (given - mean) / spread, (remade - mean) / spread
        axes.vlines(columns, np.minimum(a, b), np.maximum(a, b), color="0.7", linewidth=2)
        axes.plot(columns, a, "o", markersize=9, color="#3f90da", label="Input")
        axes.plot(
            columns,
            b,
            "D",
            markersize=8,
            markerfacecolor="none",
            markeredgewidth=2,
            color="#bd1f01",
            label="Reconstruction",
        )
        low, high = min(a.min(), b.min(), -1.0), max(a.max(), b.max(), 1.0)
        # Room above the points for the two rows of raw values.
        axes.set_ylim(low - 0.1 * (high - low), high + 0.6 * (high - low))
        for column in columns:
            for height, value, color in (
                (0.93, given[column], "#20639b"),
                (0.79, remade[column], "#bd1f01"),
            ):
                axes.text(
                    column,
                    height,
                    f"{value:.3g}",
                    transform=axes.get_xaxis_transform(),
                    ha="center",
                    va="center",
                    fontsize=12,
                    color=color,
                    # They lie within the axes, and need no room outside.
                    in_layout=False,
                )
        axes.axhline(0, color="0.6", linewidth=1, zorder=0)
        axes.set_title(title, fontsize=16)
        axes.tick_params(axis="x", which="both", length=0)
        # Of no length, and four for each feature.
        axes.xaxis.set_minor_locator(NullLocator())
    rows[-1].set_xticks(
        columns, [feature_name(name) for name in names], rotation=60, ha="right", rotation_mode="anchor", fontsize=14
    )
    rows[-1].set_xlim(-0.6, len(names) - 0.4)
    rows[-1].set_xlabel("Feature (raw values above the points)")
    figure.supylabel("(Value − mean) / spread", fontsize=19)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=15)
    return figure


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
        inputs: (N, H, W) entries to show; NaN is not drawn.
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
        largest = float(np.abs(change[np.isfinite(change)]).max(initial=0.0)) or 1.0
        row[0].pcolormesh(image, cmap=SEQUENTIAL, norm=colors)
        same = row[1].pcolormesh(remade, cmap=SEQUENTIAL, norm=colors)
        difference = row[2].pcolormesh(change, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for axes in row:
            _ticks(axes, image.shape, names)
        row[0].set_ylabel(f"{title}\n{labels.vertical}", fontsize=16, loc="center")
        for mesh, beside in ((same, row[:2]), (difference, row[2])):
            bar = figure.colorbar(mesh, ax=beside, pad=0.01, aspect=15)
            bar.set_label(labels.value, fontsize=14, loc="center")
            bar.ax.tick_params(labelsize=13)
            if isinstance(mesh.norm, AsinhNorm):
                bar.set_ticks(asinh_ticks(mesh.norm))
    for axes, text in zip(grid[0], ("Input", "Reconstruction", "Reconstruction − input"), strict=True):
        axes.set_title(text, fontsize=18)
    for axes in grid[-1]:
        axes.set_xlabel(labels.horizontal, fontsize=16)
    figure.suptitle(r"$\mathbf{hepad}$" + (f"   {note}" if note else ""), x=0.01, ha="left", fontsize=20)
    return figure


def image_colors(values: FloatArray) -> Normalize:
    """Linear, unless a few pixels hold almost everything: then logarithmic above the mean and linear below it.

    NaN has no say; where there is nothing else, the scale is that of 0.
    """
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    low, high = float(values.min()), float(values.max())
    typical = float(np.abs(values).mean())
    if low == high:
        return Normalize(low, low + 1)
    if typical > 0 and max(high, -low) > PEAKED * typical:
        return AsinhNorm(linear_width=typical, vmin=low, vmax=high)
    return Normalize(low, high)


def asinh_ticks(norm: AsinhNorm) -> list[float]:
    """Zero, and the powers of ten where the scale is logarithmic: between the two there is no room for numbers."""
    low, high = np.log10([norm.linear_width, max(norm.vmax or 1.0, norm.linear_width)])
    return [0.0, *(10.0**k for k in range(math.ceil(low), math.floor(high) + 1))]


def _ticks(axes: Axes, shape: tuple[int, ...], names: Sequence[str] | None) -> None:
    axes.minorticks_off()
    axes.tick_params(which="both", length=0, labelsize=13)
    if names is None:
        axes.set_aspect("equal")
        return
    axes.set_xticks(np.arange(len(names)) + 0.5, [feature_name(name) for name in names], rotation=90, fontsize=14)
    axes.set_yticks(np.arange(shape[0]) + 0.5, [str(i + 1) for i in range(shape[0])])
    axes.set_ylim(shape[0], 0)
