"""ROC curves of several runs for one signal and one reference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from hepad.metrics.placements import SortedScores
from hepad.metrics.roc import RocCurve, roc_curve
from hepad.metrics.working_points import MIN_ENTRIES
from hepad.plots.labels import SampleStyle, feature_name, sample_label
from hepad.plots.runs import TRIVIAL_COLOR, grey_label
from hepad.plots.style import house_style, legend_below, new_figure

_POINTS = 400
_AXES = (0.09, 0.097, 0.886, 0.856)


def roc_on_log_grid(background: SortedScores, signal: SortedScores) -> RocCurve:
    """The ROC curve at cuts whose false-positive rates are spread evenly on a logarithmic axis.

    Each point is exact: a cut `score > t` at the score t of a background entry. For drawing; `roc_curve` has every cut.
    """
    b, s = background.values, signal.values
    if background.weight is not None or signal.weight is not None:
        return _weighted_on_log_grid(background, signal)
    wanted = np.geomspace(1 / b.size, 1, _POINTS)
    cuts = np.unique(b[np.clip(b.size - np.rint(wanted * b.size).astype(int) - 1, 0, None)])[::-1]
    fpr = np.concatenate([1 - np.searchsorted(b, cuts, "right") / b.size, [1.0]])
    tpr = np.concatenate([1 - np.searchsorted(s, cuts, "right") / s.size, [1.0]])
    return RocCurve(fpr, tpr, np.concatenate([cuts, [-np.inf]]), b.size, s.size)


def _weighted_on_log_grid(background: SortedScores, signal: SortedScores) -> RocCurve:
    """As many points of the exact curve of weighted entries."""
    b, s = (sample.values[np.argsort(sample.order)] for sample in (background, signal))
    curve = roc_curve(b, s, background.weight, signal.weight)
    wanted = np.geomspace(min(1 / curve.n_background, 1), 1, _POINTS)
    kept = np.unique(np.clip(np.searchsorted(curve.fpr, wanted, "right") - 1, 0, None))
    effective = None if curve.effective is None else curve.effective[kept]
    return replace(
        curve, fpr=curve.fpr[kept], tpr=curve.tpr[kept], thresholds=curve.thresholds[kept], effective=effective
    )


def plot_runs_roc(
    curves: Mapping[str, RocCurve],
    aucs: Mapping[str, float],
    *,
    signal: str,
    reference: str,
    styles: Mapping[str, SampleStyle],
    shown: Sequence[str],
    trivial: tuple[str, float, RocCurve] | None = None,
    note: str | None = None,
) -> Figure:
    """ROC curves of several runs, false-positive rate on a logarithmic axis.

    Args:
        curves: run → curve.
        aucs: run → AUC, for the legend.
        signal, reference: samples.
        styles: run → look.
        shown: the runs in colour and in the legend, in this order; the others are thin and grey.
        trivial: name, AUC and curve of the best trivial score, drawn dotted.
        note: what the data are.

    Raises:
        ValueError: no curves.
    """
    if not curves:
        raise ValueError("no ROC curves to plot")
    lowest = min(1 / curve.n_background for curve in curves.values())
    with house_style():
        figure, axes = new_figure(note)
        # There are many of these figures and their labels have one size: finding the margins anew takes half the time.
        figure.set_layout_engine("none")
        axes.set_position(_AXES)
        for run in (run for run in shown if run in curves):
            look = styles[run]
            axes.plot(
                *_above_zero(curves[run]),
                color=look.color,
                linestyle=look.linestyle,
                label=f"{look.label}, AUC {aucs[run]:.4f}",
            )
        grey = grey_label(shown, curves)
        for run in (run for run in curves if run not in shown):
            axes.plot(*_above_zero(curves[run]), color=styles[run].color, linewidth=1.0, label=grey, zorder=1)
            grey = None
        if trivial is not None:
            name, area, curve = trivial
            label = f"Trivial: {feature_name(name)}, AUC {area:.4f}"
            axes.plot(*_above_zero(curve), color=TRIVIAL_COLOR, linestyle=":", linewidth=3, label=label, zorder=5)
        diagonal = np.geomspace(lowest, 1, 100)
        axes.plot(diagonal, diagonal, color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
        axes.set_xscale("log")
        axes.set_xlim(lowest, 1)
        axes.set_ylim(0, 1.02)
        edge = min(max(MIN_ENTRIES / curve.n_background for curve in curves.values()), 1)
        axes.fill_between(
            [lowest, edge], 1, color="0.5", alpha=0.18, linewidth=0, label=f"< {MIN_ENTRIES} background entries"
        )
        axes.set_xlabel(f"False positive rate ({sample_label(reference)})")
        axes.set_ylabel(f"True positive rate ({sample_label(signal)})")
        longest = max(len(styles[run].label) for run in curves)
        legend_below(axes, columns=1 if longest > 22 else 2, fontsize=13)
        axes.set_yticks(np.linspace(0, 1, 6))
    return figure


def _above_zero(curve: RocCurve) -> tuple[np.ndarray, np.ndarray]:
    """The points that have a place on a logarithmic axis."""
    return curve.fpr[curve.fpr > 0], curve.tpr[curve.fpr > 0]
