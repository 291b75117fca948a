"""Validation loss of several runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.plots.labels import SampleStyle
from hepad.plots.runs import grey_label
from hepad.plots.style import house_style, legend_below, new_figure


def plot_runs_learning(
    histories: Mapping[str, Mapping[str, ArrayLike]],
    *,
    styles: Mapping[str, SampleStyle],
    shown: Sequence[str],
    note: str | None = None,
) -> Figure:
    """Validation loss against the epoch for several runs; a star marks the smallest value of each run in colour.

    Args:
        histories: run → column → one value per epoch.
        styles: run → look.
        shown: the runs in colour and in the legend, in this order.
        note: what the data are.

    Raises:
        ValueError: no run has a finite loss.
    """
    curves = {}
    for run, history in histories.items():
        values = np.asarray(history.get("val/loss", ()), dtype=np.float64)
        epochs = np.asarray(history.get("epoch", np.arange(values.size)), dtype=np.float64)
        if np.isfinite(values).any():
            curves[run] = (epochs[np.isfinite(values)], values[np.isfinite(values)])
    if not curves:
        raise ValueError("no run has a finite val/loss")
    with house_style():
        figure, axes = new_figure(note)
        for run in (run for run in shown if run in curves):
            epochs, values = curves[run]
            look = styles[run]
            axes.plot(epochs, values, color=look.color, linestyle=look.linestyle, label=look.label)
            best = int(values.argmin())
            axes.plot(epochs[best], values[best], "*", color=look.color, markersize=14, markeredgecolor="white")
        grey = grey_label(shown, curves)
        for run in (run for run in curves if run not in shown):
            axes.plot(*curves[run], color=styles[run].color, linewidth=1.0, label=grey, zorder=1)
            grey = None
        everything = np.concatenate([values for _, values in curves.values()])
        if everything.min() > 0 and everything.max() > 20 * everything.min():
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Epoch")
        axes.set_ylabel("Validation loss")
        longest = max(len(styles[run].label) for run in curves)
        legend_below(axes, columns=1 if longest > 22 else 2, fontsize=13)
    return figure
