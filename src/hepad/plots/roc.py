"""ROC curves, of one score or of two on the same axes, and the significance improvement."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.metrics.roc import RocCurve
from hepad.metrics.working_points import MIN_ENTRIES, sic_curve
from hepad.plots.labels import SampleStyle, feature_name, sample_label, sample_styles
from hepad.plots.style import house_style, legend_above_data, legend_below, new_figure

_BASELINE_LINES = ("--", ":", "-.")
_POINTS = 1500


def plot_roc(
    rocs: Mapping[str, RocCurve],
    *,
    reference: str,
    log: bool = False,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    baselines: Mapping[tuple[str, str], RocCurve] | None = None,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """ROC curves of several signals against one reference, with their AUC in the legend.

    Args:
        rocs: signal → curve.
        reference: the sample on the background side.
        log: false-positive rate on a logarithmic axis, shaded where fewer than 10 background entries are selected.
        intervals: signal → low and high end of the AUC's interval.
        baselines: (baseline, signal) → curve of a trivial score, drawn broken in the signal's colour.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no curves.

    >>> import numpy as np
    >>> from hepad.metrics import roc_curve
    >>> from hepad.plots import plot_roc
    >>> rng = np.random.default_rng(0)
    >>> roc = roc_curve(rng.normal(0, 1, 1000), rng.normal(1, 1, 1000))
    >>> figure = plot_roc({"ttbar": roc}, reference="zero_bias", log=True)
    >>> figure.axes[0].get_xlabel()
    'False positive rate (Zero bias)'
    """
    if not rocs:
        raise ValueError("no ROC curves to plot")
    looks = styles or sample_styles(rocs)
    with house_style():
        figure, axes = new_figure(note)
        lowest = min(1 / curve.n_background for curve in rocs.values())
        for name, curve in rocs.items():
            fpr, tpr = thinned(curve, log)
            axes.plot(
                fpr, tpr, color=looks[name].color, linestyle=looks[name].linestyle, label=_entry(name, curve, intervals)
            )
        _draw_baselines(axes, baselines or {}, looks, log)
        diagonal = np.geomspace(lowest, 1, 200) if log else np.array([0.0, 1.0])
        axes.plot(diagonal, diagonal, color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
        axes.set_xlabel(f"False positive rate ({sample_label(reference)})")
        axes.set_ylabel("True positive rate")
        # Room for curves that reach one at once.
        axes.set_ylim(0, 1.02)
        axes.set_xlim(lowest if log else 0, 1)
        if log:
            axes.set_xscale("log")
            edge = min(max(MIN_ENTRIES / curve.n_background for curve in rocs.values()), 1)
            axes.fill_between(
                [lowest, edge], 1, color="0.5", alpha=0.18, linewidth=0, label=f"< {MIN_ENTRIES} background entries"
            )
        below = any(area_under(curve.fpr, curve.tpr) < 0.45 for curve in rocs.values())
        if log or below:
            legend_below(axes, columns=2, fontsize=15)
        else:
            axes.legend(loc="lower right")
        axes.set_yticks(np.linspace(0, 1, 6))
    return figure


def area_under(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Area under a curve of rising `x`, by trapezoids; both `(P,)`."""
    return float(np.trapezoid(y, x))


def _entry(name: str, curve: RocCurve, intervals: Mapping[str, tuple[float, float]] | None) -> str:
    text = f"{sample_label(name)}, AUC {area_under(curve.fpr, curve.tpr):.3f}"
    if intervals and name in intervals:
        low, high = intervals[name]
        text += f" [{low:.3f}, {high:.3f}]"
    return text


def _draw_baselines(
    axes: Axes, baselines: Mapping[tuple[str, str], RocCurve], looks: Mapping[str, SampleStyle], log: bool
) -> None:
    lines = {name: _BASELINE_LINES[i % 3] for i, name in enumerate(dict.fromkeys(b for b, _ in baselines))}
    for (baseline, signal), curve in baselines.items():
        fpr, tpr = thinned(curve, log)
        axes.plot(fpr, tpr, color=looks[signal].color, linestyle=lines[baseline], linewidth=1.5, alpha=0.8)
    for baseline, line in lines.items():
        axes.plot([], [], color="0.3", linestyle=line, linewidth=1.5, label=f"{feature_name(baseline)} alone")


def thinned(curve: RocCurve, log: bool, points: int = _POINTS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the curve at no more points than a screen has pixels, chosen evenly along the axis it is drawn on.

    On the logarithmic axis the points with no background at all have no place.
    """
    fpr, tpr = (curve.fpr[curve.fpr > 0], curve.tpr[curve.fpr > 0]) if log else (curve.fpr, curve.tpr)
    if fpr.size <= points:
        return fpr, tpr
    along = np.log(fpr) if log else fpr + tpr
    grid = np.linspace(along[0], along[-1], points)
    keep = np.unique(np.concatenate([[0], np.searchsorted(along, grid).clip(0, fpr.size - 1), [fpr.size - 1]]))
    return fpr[keep], tpr[keep]


def plot_sic(
    rocs: Mapping[str, RocCurve],
    *,
    reference: str,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """Significance improvement TPR / √FPR against signal efficiency, where at least 10 background entries remain.

    Args:
        rocs: signal → ROC curve.
        reference: the sample on the background side.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no curve has a point with 10 background entries.

    >>> import numpy as np
    >>> from hepad.metrics import roc_curve
    >>> from hepad.plots import plot_sic
    >>> rng = np.random.default_rng(0)
    >>> roc = roc_curve(rng.normal(0, 1, 1000), rng.normal(1, 1, 1000))
    >>> figure = plot_sic({"radion": roc}, reference="zero_bias")
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['Radion: max 1.41', 'Random']
    """
    curves = {name: curve for name, roc in rocs.items() if (curve := sic_curve(roc)).sic.size}
    if not curves:
        raise ValueError(f"no cut keeps {MIN_ENTRIES} background entries: no significance improvement to plot")
    looks = styles or sample_styles(rocs)
    with house_style():
        figure, axes = new_figure(note)
        for name, curve in curves.items():
            # Thinned for drawing; the maximum stays.
            shown = np.union1d(np.arange(0, curve.sic.size, max(1, curve.sic.size // 2000)), curve.sic.argmax())
            axes.plot(
                curve.tpr[shown],
                curve.sic[shown],
                color=looks[name].color,
                linestyle=looks[name].linestyle,
                label=f"{looks[name].label}: max {curve.sic.max():.2f}",
            )
        efficiency = np.linspace(0, 1, 200)
        axes.plot(efficiency, np.sqrt(efficiency), color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
        axes.set_xlabel("True positive rate")
        axes.set_ylabel(f"TPR / √FPR (vs {sample_label(reference)})")
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.05 * max(1.0, *(curve.sic.max() for curve in curves.values())))
        legend_above_data(axes)
    return figure


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
