"""Quantities that a model watches while it trains, against the epoch."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.plots.style import house_style, legend_above_data, sign

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
    rows = math.ceil(len(curves) / _COLUMNS)
    with house_style():
        figure = Figure(figsize=(6.2 * _COLUMNS, 5.0 * rows), layout="constrained")
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
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
