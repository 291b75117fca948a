"""The course of a search: the value of every trial, and the best so far."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.plots.style import house_style, legend_above_data, new_figure

_LOG_RATIO = 20.0


def plot_search_history(
    values: ArrayLike, stopped: Sequence[bool], *, label: str, minimize: bool = True, note: str | None = None
) -> Figure:
    """Value against trial number, trials that were stopped early hollow, the best of the others as a line.

    Args:
        values: one per trial, in order; NaN for a trial that failed.
        stopped: which trials were stopped early; they do not count as the best.
        label: of the vertical axis.
        minimize: whether the best is the lowest value.
        note: what the data are.

    Raises:
        ValueError: no finite value, or another number of flags.

    >>> from hepad.plots import plot_search_history
    >>> figure = plot_search_history([0.5, 0.4, 0.6, 0.3], [False, False, True, False], label="val/loss")
    >>> [float(best) for best in figure.axes[0].lines[-1].get_ydata()]
    [0.5, 0.4, 0.4, 0.3]
    """
    known = np.asarray(values, dtype=np.float64)
    hollow = np.asarray(stopped, dtype=bool)
    if known.shape != hollow.shape or not np.isfinite(known).any():
        raise ValueError("at least one finite value, and one flag per value, are needed")
    numbers = np.arange(known.size)
    counted = np.where(hollow | ~np.isfinite(known), np.inf if minimize else -np.inf, known)
    best = (np.minimum if minimize else np.maximum).accumulate(counted)
    with house_style():
        figure, axes = new_figure(note)
        axes.plot(numbers[~hollow], known[~hollow], "o", color="#3f90da", markersize=9, label="Trial")
        if hollow.any():
            axes.plot(
                numbers[hollow],
                known[hollow],
                "o",
                markerfacecolor="white",
                markeredgecolor="#3f90da",
                markersize=9,
                label="Stopped early",
            )
        axes.step(
            numbers, np.where(np.isfinite(best), best, np.nan), where="post", color="#bd1f01", label="Best so far"
        )
        finite = known[np.isfinite(known)]
        if finite.min() > 0 and finite.max() > _LOG_RATIO * finite.min():
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Trial")
        axes.set_ylabel(label)
        legend_above_data(axes, columns=3)
    return figure
