"""Local p-values over the windows of a scan, a panel for each method and a line for each cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from hepad.plots.labels import SampleStyle, plain
from hepad.plots.search_style import (
    cut_styles,
    draw_z_lines,
    first_of_rows,
    observable_label,
    p_of_z,
    panel_grid,
    sign_panels,
)
from hepad.plots.style import house_style

_LOWEST: Final = 1e-20
"""A smaller p-value is drawn here, as an arrow."""
_ROOM: Final = 0.4
"""Share of a panel above p = 1 that the text and the legend take, of what lies below."""


@dataclass(frozen=True)
class PScan:
    """Local p-values of one method.

    Attributes:
        method: its name.
        p: efficiency of the cut → one p-value for each window; NaN where there is none.
        null: the same of the search of samples without signal; empty where there was none.
        told: lines of text in the panel, such as the global p-value.
    """

    method: str
    p: Mapping[float, Sequence[float]]
    null: Mapping[float, Sequence[float]] = field(default_factory=dict)
    told: Sequence[str] = ()


def plot_search_scan(
    scans: Sequence[PScan],
    windows: Sequence[tuple[float, float]],
    *,
    observable: str,
    unit: str = "",
    note: str | None = None,
) -> Figure:
    """Local p-value of each window, lines at 1 to 5σ, the null twin hollow and broken.

    Args:
        scans: one for each method.
        windows: their ends; a horizontal bar shows the width.
        observable, unit: for the axis.
        note: what the data are.

    Raises:
        ValueError: no method has a p-value.

    >>> from hepad.plots.search_scan import PScan, plot_search_scan
    >>> scan = PScan("cathode", {1.0: [0.4, 0.02, 0.7], 0.01: [0.6, 3e-6, 0.3]})
    >>> figure = plot_search_scan([scan], [(3, 4), (4, 5), (5, 6)], observable="m_jj", unit="TeV")
    >>> figure.axes[0].get_ylabel(), figure.axes[0].get_yscale()
    ('Local p-value', 'log')
    """
    shown = _with_values(scans)
    ends = np.asarray(windows, dtype=float)
    looks = cut_styles(efficiency for scan in shown for efficiency in [*scan.p, *scan.null])
    lowest = _lowest(shown)
    with house_style():
        figure, panels = panel_grid(len(shown), most=3, height=6.2, width=5.8, gap=1.15)
        for (axes,), scan in zip(panels, shown, strict=True):
            for efficiency, p in scan.null.items():
                _line(axes, ends, p, looks[efficiency], hollow=True)
            for efficiency, p in scan.p.items():
                _line(axes, ends, p, looks[efficiency], hollow=False)
            _p_axis(axes, lowest)
            axes.set_xlim(ends.min() - 0.03 * np.ptp(ends), ends.max() + 0.03 * np.ptp(ends))
            axes.set_xlabel(observable_label(observable, unit))
            _tell(axes, scan)
        for (axes,) in first_of_rows(panels):
            axes.set_ylabel("Local p-value")
        _legend(panels[0][0], looks, any(scan.null for scan in shown))
        sign_panels(panels, note)
    return figure


def plot_search_cuts(scans: Sequence[PScan], *, styles: Mapping[str, SampleStyle], note: str | None = None) -> Figure:
    """Local p-value of each cut in the only window of a search, a line for each method, the null twin hollow.

    Args:
        scans: one for each method, with one window.
        styles: method → look.
        note: what the data are.

    Raises:
        ValueError: no method has a p-value.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.search_scan import PScan, plot_search_cuts
    >>> scan = PScan("cathode", {1.0: [0.4], 0.1: [0.02], 0.01: [3e-6]})
    >>> figure = plot_search_cuts([scan], styles=run_styles(["cathode"], None, ["cathode"]))
    >>> figure.axes[0].get_xlabel()
    'Background efficiency of the cut'
    """
    shown = _with_values(scans)
    lowest = _lowest(shown)
    with house_style():
        figure, panels = panel_grid(1, height=6.2)
        axes = panels[0][0]
        for scan in shown:
            for p, hollow in ((scan.null, True), (scan.p, False)):
                if p:
                    cuts = np.array(list(p))
                    values = [of_windows[0] for of_windows in p.values()]
                    _line(axes, np.stack([cuts, cuts], axis=1), values, styles[scan.method], hollow)
        axes.set_xscale("log")
        cuts = np.array([cut for scan in shown for cut in [*scan.p, *scan.null]])
        axes.set_xlim(1.6 * cuts.max(), cuts.min() / 1.6)
        axes.set_xlabel("Background efficiency of the cut")
        axes.set_ylabel("Local p-value")
        _p_axis(axes, lowest)
        if len(shown) == 1:
            _tell(axes, shown[0])
        _legend(axes, {scan.method: styles[scan.method] for scan in shown}, any(scan.null for scan in shown))
        sign_panels(panels, note)
    return figure


def _with_values(scans: Sequence[PScan]) -> list[PScan]:
    shown = [scan for scan in scans if any(np.isfinite(list(p)).any() for p in scan.p.values())]
    if not shown:
        raise ValueError("no p-values to plot")
    return shown


def _lowest(scans: Sequence[PScan]) -> float:
    """Return the lower end of the axis: below all p-values that it can show, and below 5σ."""
    p = np.concatenate([np.asarray(p, dtype=float) for scan in scans for p in [*scan.p.values(), *scan.null.values()]])
    return min(0.3 * float(np.nanmin(np.maximum(p, _LOWEST))), 0.3 * p_of_z(5))


def _p_axis(axes: Axes, lowest: float) -> None:
    """Set the axis of p-values, with room for text above 1, and the lines of whole significances."""
    axes.set_yscale("log")
    axes.set_ylim(lowest, 10 ** (-_ROOM * np.log10(lowest)))
    ticks = axes.get_yticks()
    axes.set_yticks(ticks[(ticks <= 1) & (ticks >= lowest)])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(1, color="0.3", linewidth=1)
    draw_z_lines(axes)


def _line(axes: Axes, ends: NDArray[np.float64], p: Sequence[float], look: SampleStyle, hollow: bool) -> None:
    values = np.asarray(p, dtype=float)
    known = np.isfinite(values)
    below = known & (values < _LOWEST)
    values = np.maximum(values, _LOWEST)
    centers, halves = ends.mean(axis=1), np.diff(ends)[:, 0] / 2
    if not hollow:
        axes.errorbar(
            centers[known], values[known], xerr=halves[known], fmt="none", ecolor=look.color, elinewidth=1.2, alpha=0.7
        )
    axes.plot(
        centers[known],
        values[known],
        color=look.color,
        linestyle=(0, (5, 3)) if hollow else "-",
        linewidth=1.2 if hollow else 2.0,
        alpha=0.75 if hollow else 1.0,
        marker=look.marker,
        markersize=6 if hollow else 8,
        markerfacecolor="white" if hollow else look.color,
        zorder=2 if hollow else 3,
    )
    axes.plot(centers[below], values[below], linestyle="none", marker="v", markersize=14, color=look.color, zorder=4)


def _tell(axes: Axes, scan: PScan) -> None:
    text: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "ha": "left", "linespacing": 1.35}
    axes.text(0.04, 0.965, plain(scan.method), fontsize=18, fontweight="bold", **text)
    axes.text(0.04, 0.895, "\n".join(scan.told), fontsize=16, **text)


def _legend(axes: Axes, looks: Mapping[Any, SampleStyle], null: bool) -> None:
    for look in looks.values():
        axes.plot([], [], color=look.color, marker=look.marker, markersize=8, linewidth=2.0, label=look.label)
    if null:
        axes.plot(
            [], [], color="0.3", linestyle=(0, (5, 3)), linewidth=1.2, marker="o", markerfacecolor="white",
            markersize=6, label="null twin",
        )  # fmt: skip
    axes.legend(loc="upper right", fontsize=16, borderaxespad=0.4, labelspacing=0.3)
