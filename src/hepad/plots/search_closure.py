"""Closure of templates: a classifier of template against what it stands for, and the pulls of the features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepad.plots.labels import SampleStyle, feature_name
from hepad.plots.search_style import observable_label, sign_panels
from hepad.plots.style import house_style, legend_above_data, new_figure

_ROOM: Final = 1.6
_ROW: Final = 0.75


@dataclass(frozen=True)
class TemplateClosure:
    """Closure of one method's templates in the windows of a scan.

    Attributes:
        auc: of template against what it stands for, one for each window; NaN where there is none.
        error: of `auc`.
        floor: the same of two halves of what it stands for.
        floor_error: of `floor`.
        pulls: feature → for each window mean and width of the standardised difference; NaN where there is none.
    """

    auc: Sequence[float]
    error: Sequence[float]
    floor: Sequence[float]
    floor_error: Sequence[float]
    pulls: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


def plot_closure_auc(
    closures: Mapping[str, TemplateClosure],
    windows: Sequence[tuple[float, float]],
    *,
    styles: Mapping[str, SampleStyle],
    observable: str,
    unit: str = "",
    note: str | None = None,
) -> Figure:
    """AUC of template against background in each window, filled, and of background against itself, hollow.

    Args:
        closures: method → what was found.
        windows: their ends.
        styles: method → look.
        observable, unit: for the axis.
        note: what the data are.

    Raises:
        ValueError: no method has a template.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.search_closure import TemplateClosure, plot_closure_auc
    >>> found = {"cathode": TemplateClosure([0.51], [0.004], [0.50], [0.004])}
    >>> figure = plot_closure_auc(found, [(3, 4)], styles=run_styles(found, None, ["cathode"]), observable="m_jj")
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['cathode', 'floor']
    """
    shown = {method: found for method, found in closures.items() if np.isfinite(list(found.auc)).any()}
    if not shown:
        raise ValueError("no closure of a template to plot")
    ends = np.asarray(windows, dtype=float)
    centers, widths = ends.mean(axis=1), np.diff(ends)[:, 0]
    with house_style():
        figure, axes = new_figure(note, size=(10.0, 6.6))
        for low, high in ends:
            axes.axvspan(low, high, color="0.5", alpha=0.06 if list(ends[:, 0]).index(low) % 2 else 0.0, linewidth=0)
        axes.axhline(0.5, color="black", linewidth=1.2)
        for i, (method, found) in enumerate(shown.items()):
            look = styles[method]
            offset = widths * 0.7 * ((i + 0.5) / len(shown) - 0.5)
            step = widths * 0.7 * 0.22 / len(shown)
            mark = {"color": look.color, "fmt": look.marker, "markersize": 9, "elinewidth": 1.8}
            axes.errorbar(centers + offset - step, found.auc, yerr=found.error, label=look.label, **mark)  # type: ignore[arg-type]
            axes.errorbar(
                centers + offset + step, found.floor, yerr=found.floor_error, markerfacecolor="white", **mark  # type: ignore[arg-type]
            )  # fmt: skip
        axes.errorbar([], [], yerr=[], fmt="o", color="0.3", markerfacecolor="white", markersize=9, label="floor")
        axes.set_xlim(ends.min() - 0.03 * np.ptp(ends), ends.max() + 0.03 * np.ptp(ends))
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, 0.49), max(high, 0.53))
        axes.set_xlabel(observable_label(observable, unit))
        axes.set_ylabel("AUC, template vs background")
        legend_above_data(axes, columns=3)
    return figure


def plot_closure_pulls(
    closures: Mapping[str, TemplateClosure], *, styles: Mapping[str, SampleStyle], note: str | None = None
) -> Figure:
    """Mean and width of each feature's pulls, a point for each window; a template that closes has 0 and 1.

    Args:
        closures: method → what was found.
        styles: method → look.
        note: what the data are.

    Raises:
        ValueError: no method has pulls.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.search_closure import TemplateClosure, plot_closure_pulls
    >>> found = {"cathode": TemplateClosure([0.51], [0.01], [0.5], [0.01], {"tau21": [(0.1, 1.1)]})}
    >>> figure = plot_closure_pulls(found, styles=run_styles(found, None, ["cathode"]))
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['Mean of pulls', 'Width of pulls']
    """
    shown = {method: found for method, found in closures.items() if found.pulls}
    features = list(dict.fromkeys(feature for found in shown.values() for feature in found.pulls))
    if not features:
        raise ValueError("no pulls to plot")
    with house_style():
        size = (10.0, max(6.2, 1.9 + _ROW * len(features) + 0.42 * len(shown)))
        figure = Figure(figsize=size, layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for i, (method, found) in enumerate(shown.items()):
            look = styles[method]
            for feature, pulls in found.pulls.items():
                y = features.index(feature) + 0.6 * ((i + 0.5) / len(shown) - 0.5)
                for axes, values in zip((left, right), np.asarray(pulls, dtype=float).reshape(-1, 2).T, strict=True):
                    axes.plot(
                        values, np.full(values.size, y), look.marker, color=look.color, markersize=7, alpha=0.75
                    )  # fmt: skip
            right.plot([], [], look.marker, color=look.color, markersize=9, label=look.label)
        _frame(left, 0.0, 0.5, "Mean of pulls")
        _frame(right, 1.0, 0.3, "Width of pulls")
        for y in range(1, len(features)):
            for axes in (left, right):
                axes.axhline(y - 0.5, color="0.85", linewidth=1, zorder=0)
        left.set_yticks(range(len(features)), [feature_name(feature) for feature in features])
        left.tick_params(axis="y", which="both", length=0)
        right.tick_params(axis="y", which="both", length=0)
        left.set_ylim(len(features) - 0.5, -0.5)
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(shown)))
        sign_panels([[left], [right]], note)
    return figure


def _frame(axes: Axes, ideal: float, least: float, label: str) -> None:
    """Draw the line of a template that closes in the middle, with at least so much to either side."""
    axes.axvline(ideal, color="black", linewidth=1.2, zorder=1)
    low, high = axes.get_xlim()
    reach = max(least, 1.1 * max(abs(low - ideal), abs(high - ideal)))
    axes.set_xlim(ideal - reach, ideal + reach)
    axes.set_xlabel(label)
    axes.minorticks_off()
