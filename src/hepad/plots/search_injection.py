"""Injection curves: significance and improvement against how much signal was put in, over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.plots.labels import SampleStyle
from hepad.plots.search_style import sign_panels
from hepad.plots.style import house_style, legend_below

_LOG_RATIO: Final = 25.0


@dataclass(frozen=True)
class Injection:
    """Searches of one method with different amounts of signal.

    Attributes:
        amount: how much signal was put in, one for each search.
        values: what was found in each, NaN where nothing was.
    """

    amount: Sequence[float]
    values: Sequence[float]


def over_seeds(found: Injection) -> NDArray[np.float64]:
    """Return amount, 16% quantile, median, 84% quantile and number of seeds, (A, 5), by rising amount.

    >>> from hepad.plots.search_injection import Injection, over_seeds
    >>> over_seeds(Injection([10, 10, 10, 20], [1.0, 2.0, 3.0, 5.0])).tolist()
    [[10.0, 1.32, 2.0, 2.68, 3.0], [20.0, 5.0, 5.0, 5.0, 1.0]]
    """
    amount, values = np.asarray(found.amount, dtype=float), np.asarray(found.values, dtype=float)
    known = np.isfinite(values)
    rows = [
        [a, *np.quantile(values[known & (amount == a)], [0.16, 0.5, 0.84]).round(12), (known & (amount == a)).sum()]
        for a in np.unique(amount[known])
    ]
    return np.asarray(rows, dtype=float).reshape(-1, 5)


def plot_injection(
    panels: Mapping[str, Mapping[str, Injection]],
    *,
    styles: Mapping[str, SampleStyle],
    amount: str,
    levels: Mapping[str, Sequence[float]] | None = None,
    note: str | None = None,
) -> Figure:
    """Median over seeds against the injected signal, with the central 68% of the seeds as a band.

    Args:
        panels: name of the vertical axis, such as `Largest local Z` → method → what was found.
        styles: method → look.
        amount: name of the horizontal axis.
        levels: name of a vertical axis → where to draw lines, such as 3 and 5σ.
        note: what the data are.

    Raises:
        ValueError: nothing was found in any panel.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.search_injection import Injection, plot_injection
    >>> found = {"cathode": Injection([0, 0, 100, 100], [0.5, 1.0, 3.0, 4.0])}
    >>> styles = run_styles(found, None, list(found))
    >>> figure = plot_injection({"Z": found}, styles=styles, amount="Injected signal entries")
    >>> figure.axes[0].get_ylabel()
    'Z'
    """
    shown = {
        title: curves
        for title, methods in panels.items()
        if (curves := {name: curve for name, found in methods.items() if (curve := over_seeds(found)).size})
    }
    if not shown:
        raise ValueError("no injection curve to plot")
    with house_style():
        figure = Figure(figsize=(10.0, 1.6 + 4.6 * len(shown)), layout="constrained")
        stack = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        amounts = np.unique(np.concatenate([curve[:, 0] for curves in shown.values() for curve in curves.values()]))
        for axes, (title, curves) in zip(stack, shown.items(), strict=True):
            for method, curve in curves.items():
                _draw(axes, curve, styles[method])
            for level in (levels or {}).get(title, ()):
                axes.axhline(level, color="0.55", linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=0.5)
            axes.set_ylabel(title)
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        _scale(stack[-1], amounts)
        stack[-1].set_xlabel(amount)
        sign_panels([[stack[0]]], note)
        for method in dict.fromkeys(method for curves in shown.values() for method in curves):
            look = styles[method]
            stack[0].plot([], [], color=look.color, linestyle=look.linestyle, marker=look.marker, label=look.label)
        legend_below(stack[0], columns=3)
    return figure


def _draw(axes: Axes, curve: NDArray[np.float64], look: SampleStyle) -> None:
    x, low, middle, high, seeds = curve.T
    if (seeds > 1).any():
        axes.fill_between(x, low, high, color=look.color, alpha=0.2, linewidth=0, zorder=1)
    axes.plot(x, middle, color=look.color, linestyle=look.linestyle, marker=look.marker, markersize=8, zorder=2)


def _scale(axes: Axes, amounts: NDArray[np.float64]) -> None:
    """Set a logarithmic axis where amounts span decades; no signal at all then has a place left of them."""
    positive = amounts[amounts > 0]
    if positive.size > 1 and positive.max() > _LOG_RATIO * positive.min():
        axes.set_xscale("symlog", linthresh=float(positive.min()), linscale=0.6)
        axes.set_xlim(
            float(amounts.min()) - (0.05 * positive.min() if amounts.min() <= 0 else 0), 1.15 * positive.max()
        )
    else:
        reach = max(float(np.ptp(amounts)), 1e-12)
        axes.set_xlim(float(amounts.min()) - 0.03 * reach, float(amounts.max()) + 0.03 * reach)
