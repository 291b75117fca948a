"""Correlation of the score with each feature, as bars."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hepad.plots.labels import feature_name
from hepad.plots.style import house_style, new_figure


def plot_correlation_bars(
    pearson: Mapping[str, float],
    spearman: Mapping[str, float],
    *,
    sample: str | None = None,
    note: str | None = None,
) -> Figure:
    """Pearson's and Spearman's correlation of the score with each feature, the strongest on top.

    Args:
        pearson: feature → correlation.
        spearman: the same features → correlation of the ranks.
        sample: display name of the sample they were taken on.
        note: what the data are.

    Raises:
        ValueError: no features, or the two do not have the same ones.

    >>> from hepad.plots import plot_correlation_bars
    >>> figure = plot_correlation_bars({"mass": 0.7, "area": 0.0}, {"mass": 0.9, "area": 0.1}, sample="Zero bias")
    >>> [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    ['Jet area', 'Jet mass']
    """
    if not pearson or set(pearson) != set(spearman):
        raise ValueError("correlation bars need the same features, at least one, from Pearson and Spearman")
    names = sorted(pearson, key=lambda name: max(abs(pearson[name]), abs(spearman[name])))
    rows = np.arange(len(names))
    with house_style():
        figure, axes = new_figure(note, size=(10, max(4.0, 1.8 + 0.42 * len(names))))
        axes.barh(rows + 0.2, [pearson[name] for name in names], 0.38, color="#3f90da", label="Pearson")
        axes.barh(rows - 0.2, [spearman[name] for name in names], 0.38, color="#ffa90e", label="Spearman")
        axes.axvline(0, color="black", linewidth=1)
        axes.set_yticks(rows, [feature_name(name) for name in names], fontsize=15)
        axes.tick_params(axis="y", which="both", length=0)
        axes.minorticks_off()
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.set_xlim(-1, 1)
        axes.grid(axis="x", alpha=0.5)
        axes.set_axisbelow(True)
        axes.set_ylabel("Feature")
        axes.set_xlabel("Correlation with the anomaly score" + (f", {sample}" if sample else ""))
        figure.legend(loc="outside upper right", ncols=2, fontsize=15)
    return figure
