"""ROC curves of two scores on the same axes."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import auc as area_under

from hepad.metrics.roc import RocCurve
from hepad.plots.labels import sample_label, sample_styles
from hepad.plots.style import house_style, legend_below, new_figure


def plot_roc_pairs(
    rocs: Mapping[str, tuple[RocCurve, RocCurve]],
    *,
    names: tuple[str, str],
    reference: str,
    note: str | None = None,
) -> Figure:
    """ROC curves of two scores for several signals: one colour for each signal, the second score broken.

    Args:
        rocs: signal → curves of the first and of the second score.
        names: what the two scores are called.
        reference: the sample on the background side.
        note: what the data are.

    Raises:
        ValueError: no curves.
    """
    if not rocs:
        raise ValueError("no ROC curves to plot")
    looks = sample_styles(rocs)
    lowest = min(1 / first.n_background for first, _ in rocs.values())
    with house_style():
        figure, axes = new_figure(note)
        for signal, pair in rocs.items():
            for curve, line in zip(pair, ("-", (0, (4, 2))), strict=True):
                shown = curve.fpr > 0
                axes.plot(curve.fpr[shown], curve.tpr[shown], color=looks[signal].color, linestyle=line)
            first, second = (area_under(curve.fpr, curve.tpr) for curve in pair)
            axes.plot([], [], color=looks[signal].color, label=f"{sample_label(signal)}, AUC {first:.3f}, {second:.3f}")
        for name, line in zip(names, ("-", (0, (4, 2))), strict=True):
            axes.plot([], [], color="0.3", linestyle=line, label=name)
        axes.set_xscale("log")
        axes.set_xlim(lowest, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel(f"False positive rate ({sample_label(reference)})")
        axes.set_ylabel("True positive rate")
        legend_below(axes, columns=2, fontsize=15)
        axes.set_yticks(np.linspace(0, 1, 6))
    return figure
