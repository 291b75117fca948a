"""Inputs beside their reconstructions: the least, the middle and the most anomalous entry."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hepad.plots.labels import feature_name
from hepad.plots.style import house_style, sign

FloatArray = NDArray[np.float64]

_CHOICES = ("Lowest score", "Median score", "Highest score")


def plot_reconstructions(
    x: ArrayLike,
    x_hat: ArrayLike,
    scores: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
    unit: str | None = None,
    note: str | None = None,
) -> Figure:
    """The entries of lowest, median and highest score, and what the model made of them.

    Entries of features, (F,) or (objects, F), are shown in units of each feature's spread over all entries given;
    single vectors carry their raw values. Images, (H, W) or (H, W, C), keep their own unit; channels are summed.

    Args:
        x: (N, F), (N, M, F), (N, H, W) or (N, H, W, C) inputs in raw units.
        x_hat: reconstructions of the same shape and units.
        scores: (N,) anomaly scores.
        feature_names: F names; without them three- and four-dimensional `x` are images.
        unit: unit of the images, such as `GeV`.
        note: what the data are.

    Raises:
        ValueError: shapes do not fit together, or no entries.
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
    picks = [int(order[i]) for i in dict.fromkeys((0, order.size // 2, order.size - 1))]
    names = _CHOICES if len(picks) == 3 else ("Lowest score", "Highest score")[: len(picks)]
    titles = [f"{name}: {np.asarray(scores)[i]:.4g}" for name, i in zip(names, picks, strict=True)]
    with house_style():
        if inputs.ndim == 2 and feature_names is not None:
            return _draw_vectors(inputs, outputs, picks, titles, feature_names, note)
        if feature_names is not None:
            flat = inputs.reshape(-1, inputs.shape[-1])
            inputs, outputs = (inputs - flat.mean(0)) / _spread(flat), (outputs - flat.mean(0)) / _spread(flat)
            return _draw_images(inputs[picks], outputs[picks], titles, "Spreads from the mean", note, feature_names)
        if inputs.ndim == 4:
            inputs, outputs = inputs.sum(-1), outputs.sum(-1)
        return _draw_images(inputs[picks], outputs[picks], titles, f"Value [{unit}]" if unit else "Value", note)


def _spread(flat: FloatArray) -> FloatArray:
    spread = flat.std(axis=0)
    spread[spread == 0] = 1.0
    return np.asarray(spread)


def _draw_vectors(
    inputs: FloatArray, outputs: FloatArray, picks: list[int], titles: list[str], names: Sequence[str], note: str | None
) -> Figure:
    figure = Figure(figsize=(max(8.0, 2.5 + 0.72 * len(names)), 1.8 + 2.7 * len(picks)), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(picks), 1, sharex=True))
    sign(rows[0], note)
    mean, spread = inputs.mean(0), _spread(inputs)
    columns = np.arange(len(names))
    for axes, entry, title in zip(rows, picks, titles, strict=True):
        a, b = (inputs[entry] - mean) / spread, (outputs[entry] - mean) / spread
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
                (0.93, inputs[entry, column], "#20639b"),
                (0.79, outputs[entry, column], "#bd1f01"),
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
                )
        axes.axhline(0, color="0.6", linewidth=1, zorder=0)
        axes.set_title(title, fontsize=16)
        axes.tick_params(axis="x", which="both", length=0)
    rows[-1].set_xticks(
        columns, [feature_name(name) for name in names], rotation=60, ha="right", rotation_mode="anchor", fontsize=14
    )
    rows[-1].set_xlim(-0.6, len(names) - 0.4)
    rows[-1].set_xlabel("Feature (raw values above the points)")
    figure.supylabel("(Value − mean) / spread", fontsize=19)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, fontsize=15)
    return figure


def _draw_images(
    inputs: FloatArray,
    outputs: FloatArray,
    titles: list[str],
    value: str,
    note: str | None,
    names: Sequence[str] | None = None,
) -> Figure:
    wide = names is not None
    vertical = "Jet" if wide else r"Row ($\phi$)"
    figure = Figure(figsize=(17.0 if wide else 13.0, 1.0 + (3.6 if wide else 4.2) * len(inputs)), layout="constrained")
    grid = figure.subplots(len(inputs), 3, squeeze=False, sharex=True, sharey=True)
    for row, image, remade, title in zip(grid, inputs, outputs, titles, strict=True):
        low, high = min(image.min(), remade.min()), max(image.max(), remade.max())
        if low == high:
            high = low + 1
        change = remade - image
        largest = float(np.abs(change).max()) or 1.0
        shown = [
            row[0].pcolormesh(image, cmap="viridis", vmin=low, vmax=high, rasterized=True),
            row[1].pcolormesh(remade, cmap="viridis", vmin=low, vmax=high, rasterized=True),
            row[2].pcolormesh(change, cmap="RdBu_r", vmin=-largest, vmax=largest, rasterized=True),
        ]
        for axes in row:
            _image_axes(axes, image.shape, names)
        row[0].set_ylabel(f"{title}\n{vertical}", fontsize=16, loc="center")
        bar = figure.colorbar(shown[1], ax=row[:2], pad=0.01, aspect=15)
        bar.set_label(value, fontsize=14)
        bar.ax.tick_params(labelsize=13)
        bar = figure.colorbar(shown[2], ax=row[2], pad=0.01, aspect=15)
        bar.ax.tick_params(labelsize=13)
    for axes, text in zip(grid[0], ("Input", "Reconstruction", "Reconstruction − input"), strict=True):
        axes.set_title(text, fontsize=18)
    figure.suptitle("hepad" + (f"   {note}" if note else ""), x=0.01, ha="left", fontweight="bold", fontsize=20)
    for axes in grid[-1]:
        axes.set_xlabel("Feature" if wide else r"Column ($\eta$)", fontsize=16)
    return figure


def _image_axes(axes: Axes, shape: tuple[int, ...], names: Sequence[str] | None) -> None:
    axes.minorticks_off()
    axes.tick_params(which="both", length=0, labelsize=13)
    if names is not None:
        axes.set_xticks(np.arange(len(names)) + 0.5, [feature_name(n) for n in names], rotation=90, fontsize=10)
        axes.set_yticks(np.arange(shape[0]) + 0.5, [str(i + 1) for i in range(shape[0])])
        axes.set_ylim(shape[0], 0)
    else:
        axes.set_aspect("equal")
