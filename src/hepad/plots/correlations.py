"""Correlations of the score with features, and of features with each other: bars and a heat map."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hepad.plots.labels import feature_name, sample_label
from hepad.plots.style import house_style, new_figure


def plot_correlation_heatmap(
    correlations: Mapping[str, Mapping[str, float]],
    *,
    kind: str = "Spearman",
    note: str | None = None,
) -> Figure:
    """One kind of correlation of the score with each feature (rows) in each sample (columns).

    Undefined ones are left white.

    Args:
        correlations: sample → feature → correlation.
        kind: which correlation it is, for the colour bar.
        note: what the data are.

    Raises:
        ValueError: no correlation at all.

    >>> from hepad.plots import plot_correlation_heatmap
    >>> figure = plot_correlation_heatmap({"zero_bias": {"ht": 0.9, "met": 0.2}, "radion": {"ht": 0.7}})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.90', '0.70', '0.20']
    """
    samples = [name for name, values in correlations.items() if values]
    features = list(dict.fromkeys(feature for name in samples for feature in correlations[name]))
    if not features:
        raise ValueError("no correlations to plot")
    table = np.array([[correlations[s].get(f, np.nan) for s in samples] for f in features])
    with house_style():
        figure, axes = new_figure(note, size=(max(8.0, 5.0 + 1.2 * len(samples)), max(5.0, 2.2 + 0.42 * len(features))))
        mesh = axes.pcolormesh(np.ma.masked_invalid(table), cmap="RdBu_r", vmin=-1, vmax=1)
        for row, column in np.argwhere(np.isfinite(table)):
            value = table[row, column]
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{value:.2f}".replace("-0.00", "0.00"),
                ha="center",
                va="center",
                fontsize=14,
                color="white" if abs(value) > 0.6 else "black",
                # They lie within the axes, and need no room outside.
                in_layout=False,
            )
        axes.set_xticks(np.arange(len(samples)) + 0.5, [sample_label(s) for s in samples], fontsize=15)
        axes.set_yticks(np.arange(len(features)) + 0.5, [feature_name(f) for f in features], fontsize=15)
        axes.invert_yaxis()
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        axes.set_ylabel("Feature")
        axes.set_xlabel("Sample")
        bar = figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.set_label(f"{kind} correlation with score", fontsize=17)
    return figure


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
