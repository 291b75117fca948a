"""Losses, and what a model watches while it trains, against the epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.plots.style import house_style, legend_above_data, new_figure, sign

_LOOKS = {"train": ("Training", "#3f90da", "o"), "val": ("Validation", "#e76300", "s")}


def plot_learning_curves(
    history: Mapping[str, ArrayLike],
    *,
    quantity: str = "loss",
    label: str = "Loss",
    note: str | None = None,
) -> Figure:
    """Training and validation loss per epoch, the best validation epoch marked.

    Args:
        history: column → one value per epoch: `train/<quantity>`, `val/<quantity>`, and optionally `epoch`; NaN
            where an epoch has no value.
        quantity: what is plotted.
        label: the vertical axis.
        note: what the data are.

    Raises:
        ValueError: there is no finite value of the quantity.

    >>> from hepad.plots import plot_learning_curves
    >>> figure = plot_learning_curves({"train/loss": [1.0, 0.6, 0.4], "val/loss": [0.9, 0.5, 0.6]}, label="MSE")
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['Training', 'Validation', 'Best: epoch 1, 0.5']
    """
    curves = {}
    for stage in _LOOKS:
        if f"{stage}/{quantity}" in history:
            values = np.asarray(history[f"{stage}/{quantity}"], dtype=np.float64)
            epochs = np.asarray(history.get("epoch", np.arange(values.size)), dtype=np.float64)
            known = np.isfinite(values)
            if known.any():
                curves[stage] = (epochs[known], values[known])
    if not curves:
        raise ValueError(f"the history has no finite train/{quantity} or val/{quantity}")
    everything = np.concatenate([values for _, values in curves.values()])
    with house_style():
        figure, axes = new_figure(note)
        for stage, (epochs, values) in curves.items():
            name, color, marker = _LOOKS[stage]
            axes.plot(epochs, values, color=color, marker=marker if epochs.size <= 40 else None, label=name)
        if "val" in curves:
            epochs, values = curves["val"]
            best = int(values.argmin())
            axes.plot(
                epochs[best],
                values[best],
                "*",
                markersize=20,
                color="#bd1f01",
                markeredgecolor="white",
                label=f"Best: epoch {epochs[best]:.0f}, {values[best]:.4g}",
                zorder=5,
            )
        if everything.min() > 0 and everything.max() > 20 * everything.min():
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Epoch")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure


_COLUMNS: Final = 3
_COLORS: Final = ("#3f90da", "#e76300", "#94a4a2")


def plot_training_curves(
    history: Mapping[str, ArrayLike], panels: Mapping[str, Sequence[str]], *, note: str | None = None
) -> Figure:
    """One panel for each group of columns of the history; columns that it lacks are left out.

    Args:
        history: column → one value per epoch, and `epoch`; NaN where an epoch has no value.
        panels: label of the vertical axis → columns, at most three.
        note: what the data are.

    Raises:
        ValueError: no panel has a finite value.
    """
    curves = {
        label: known for label, columns in panels.items() if (known := {c: history[c] for c in columns if c in history})
    }
    if not any(
        np.isfinite(np.asarray(values, dtype=np.float64)).any() for c in curves.values() for values in c.values()
    ):
        raise ValueError(f"the history has none of {', '.join(c for columns in panels.values() for c in columns)}")
    columns_drawn = min(_COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns_drawn)
    with house_style():
        figure = Figure(figsize=(6.2 * columns_drawn, 5.0 * rows), layout="constrained")
        grid = figure.subplots(rows, columns_drawn, squeeze=False).ravel()
        for axes, (label, columns) in zip(grid, curves.items(), strict=False):
            _draw_panel(axes, label, columns, history)
        sign(grid[0], note)
        for axes in grid[len(curves) :]:
            axes.set_axis_off()
    return figure


def _draw_panel(axes: Axes, label: str, columns: Mapping[str, ArrayLike], history: Mapping[str, ArrayLike]) -> None:
    for (column, values), color in zip(columns.items(), _COLORS, strict=False):
        y = np.asarray(values, dtype=np.float64)
        epochs = np.asarray(history.get("epoch", np.arange(y.size)), dtype=np.float64)
        axes.plot(epochs, y, color=color, marker="o" if y.size <= 40 else None, markersize=5, label=_name(column))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epoch")
    axes.set_ylabel(label, fontsize=17)
    if len(columns) > 1:
        legend_above_data(axes, columns=len(columns), fontsize=14)


def _name(column: str) -> str:
    """The last word of a column's name: `generated` of `val/accuracy_generated`."""
    return column.rsplit("_", 1)[-1].rsplit("/", 1)[-1].capitalize()
