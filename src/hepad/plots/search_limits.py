"""Upper limits on signal in the windows of a scan, with the bands expected without signal."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.plots.labels import plain
from hepad.plots.search_style import cut_label, first_of_rows, observable_label, panel_grid, sign_panels
from hepad.plots.style import house_style

# Of the CMS collaboration, for readers with any colour vision.
_BANDS: Final = ((("-2", "2"), "#ffdf7f", "Expected, 95%"), (("-1", "1"), "#85d1fb", "Expected, 68%"))
_ROOM: Final = 0.3


def plot_search_limits(
    limits: Mapping[float, Sequence[Mapping[str, float]]],
    windows: Sequence[tuple[float, float]],
    *,
    observable: str,
    unit: str = "",
    note: str | None = None,
) -> Figure:
    """Upper limits at 95% CL on entries of signal beyond each cut: observed, and expected with its bands.

    Args:
        limits: efficiency of the cut → for each window `observed`, `-2`, `-1`, `median`, `1`, `2`; empty where there
            is none.
        windows: their ends.
        observable, unit: for the axis.
        note: what the data are.

    Raises:
        ValueError: no cut has a limit.

    >>> from hepad.plots.search_limits import plot_search_limits
    >>> limit = {"observed": 21.0, "-2": 6.0, "-1": 8.0, "median": 11.0, "1": 16.0, "2": 22.0}
    >>> figure = plot_search_limits({0.01: [limit, {}]}, [(3, 4), (4, 5)], observable="m_jj", unit="TeV")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['Observed', 'Expected', 'Expected, 68%', 'Expected, 95%']
    """
    shown = {efficiency: found for efficiency, found in limits.items() if any(found)}
    if not shown:
        raise ValueError("no limits to plot")
    ends = np.asarray(windows, dtype=float)
    with house_style():
        figure, panels = panel_grid(len(shown), height=5.6)
        for (axes,), (efficiency, found) in zip(panels, shown.items(), strict=True):
            _draw(axes, ends, found, cut_label(efficiency))
            axes.set_xlim(ends.min() - 0.03 * np.ptp(ends), ends.max() + 0.03 * np.ptp(ends))
            axes.set_xlabel(observable_label(observable, unit))
        for (axes,) in first_of_rows(panels):
            axes.set_ylabel("Upper limit at 95% CL [entries]")
        _legend(panels[0][0])
        sign_panels(panels, note)
    return figure


def plot_limits_by_cut(limits: Mapping[str, Mapping[float, Mapping[str, float]]], *, note: str | None = None) -> Figure:
    """Upper limits at 95% CL beyond each cut in the only window of a search, a panel for each method.

    Args:
        limits: method → efficiency of the cut → `observed`, `-2`, `-1`, `median`, `1`, `2`; empty where there is none.
        note: what the data are.

    Raises:
        ValueError: no method has a limit.

    >>> from hepad.plots.search_limits import plot_limits_by_cut
    >>> limit = {"observed": 21.0, "-2": 6.0, "-1": 8.0, "median": 11.0, "1": 16.0, "2": 22.0}
    >>> figure = plot_limits_by_cut({"cathode": {1.0: limit, 0.01: limit}})
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['no cut', 'top 1%']
    """
    shown = {method: found for method, found in limits.items() if any(found.values())}
    if not shown:
        raise ValueError("no limits to plot")
    with house_style():
        figure, panels = panel_grid(len(shown), height=5.6)
        for (axes,), (method, found) in zip(panels, shown.items(), strict=True):
            places = np.arange(len(found))
            _draw(axes, np.stack([places - 0.4, places + 0.4], axis=1), list(found.values()), plain(method))
            axes.set_xlim(-0.6, len(found) - 0.4)
            axes.set_xlabel("Background that passes the cut")
            axes.set_xticks(places, [cut_label(efficiency) for efficiency in found])
            axes.tick_params(axis="x", which="both", length=0)
            axes.tick_params(axis="x", labelsize=18 if len(found) < 5 else 14)
        for (axes,) in first_of_rows(panels):
            axes.set_ylabel("Upper limit at 95% CL [entries]")
        _legend(panels[0][0])
        sign_panels(panels, note)
    return figure


def _draw(axes: Axes, ends: NDArray[np.float64], found: Sequence[Mapping[str, float]], title: str) -> None:
    for (low, high), color, label in _BANDS:
        _band(axes, ends, found, low, high, color, label)
    _steps(axes, ends, found, "median", "Expected", (0, (5, 2)), 2.0)
    _steps(axes, ends, found, "observed", "Observed", "-", 2.4)
    _limits(axes, np.array([value for of_place in found for value in of_place.values()]))
    axes.text(0.04, 0.965, title, transform=axes.transAxes, va="top", fontsize=18, fontweight="bold")


def _band(
    axes: Axes,
    ends: NDArray[np.float64],
    found: Sequence[Mapping[str, float]],
    low: str,
    high: str,
    color: str,
    label: str,
) -> None:
    for (left, right), of_window in zip(ends, found, strict=True):
        if low in of_window and high in of_window:
            axes.fill_between([left, right], of_window[low], of_window[high], color=color, linewidth=0, zorder=1)
    axes.fill_between([], [], [], color=color, linewidth=0, label=label)


def _steps(
    axes: Axes,
    ends: NDArray[np.float64],
    found: Sequence[Mapping[str, float]],
    name: str,
    label: str,
    line: str | tuple[int, tuple[int, int]],
    width: float,
) -> None:
    for (left, right), of_window in zip(ends, found, strict=True):
        if name in of_window:
            axes.plot([left, right], [of_window[name]] * 2, color="black", linestyle=line, linewidth=width, zorder=3)
            if name == "observed":
                axes.plot([(left + right) / 2], [of_window[name]], "o", color="black", markersize=7, zorder=3)
    mark = "o" if name == "observed" else None
    axes.plot([], [], color="black", linestyle=line, linewidth=width, marker=mark, markersize=7, label=label)


def _limits(axes: Axes, values: NDArray[np.float64]) -> None:
    """Set a logarithmic axis where limits span decades, with room for the legend."""
    positive = values[values > 0] if (values > 0).any() else np.ones(1)
    high = float(positive.max())
    low = max(float(positive.min()), 1e-6 * high)
    if high > 15 * low:
        axes.set_yscale("log")
        axes.set_ylim(0.6 * low, 0.6 * low * (1.5 * high / (0.6 * low)) ** (1 / (1 - _ROOM)))
    else:
        axes.set_ylim(0, 1.1 * high / (1 - _ROOM))


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper right", fontsize=16, labelspacing=0.3)
