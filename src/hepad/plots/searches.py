"""Numbers of several searches beside each other, a panel for each number and a row for each search."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepad.plots.labels import SampleStyle, plain
from hepad.plots.search_style import sign_panels
from hepad.plots.style import house_style

Value = tuple[float, float, float]
"""A number with the low and high end of its interval."""


def plot_searches(
    panels: Mapping[str, Mapping[tuple[str, str], Value]],
    *,
    searches: Sequence[str],
    styles: Mapping[str, SampleStyle],
    note: str | None = None,
) -> Figure:
    """Return numbers of several searches, each a point with its 68% interval.

    Args:
        panels: what the number is → (search, method) → value, low and high end.
        searches: rows from top to bottom.
        styles: method → look.
        note: what the data are.

    Raises:
        ValueError: no number.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.searches import plot_searches
    >>> panels = {"Largest local Z": {("first", "cathode"): (4.1, 4.1, 4.1), ("second", "cathode"): (2.0, 2.0, 2.0)}}
    >>> styles = run_styles(["cathode"], None, ["cathode"])
    >>> figure = plot_searches(panels, searches=["first", "second"], styles=styles)
    >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
    ['first', 'second']
    """
    shown = {title: values for title, values in panels.items() if values}
    if not shown or not searches:
        raise ValueError("no numbers of searches to plot")
    methods = [m for m in styles if any(method == m for values in shown.values() for _, method in values)]
    with house_style():
        width = max(10.0, 0.17 * max(map(len, searches)) + 3.6 * len(shown) + 0.5)
        figure = Figure(figsize=(width, 2.6 + 0.55 * len(searches)), layout="constrained")
        axes_of = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, (title, values) in zip(axes_of, shown.items(), strict=True):
            for (search, method), (value, low, high) in values.items():
                place = searches.index(search) + 0.6 * ((methods.index(method) + 0.5) / len(methods) - 0.5)
                axes.errorbar(
                    value,
                    place,
                    xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                    fmt=styles[method].marker,
                    color=styles[method].color,
                    markersize=8,
                    linewidth=2,
                )
            for row in range(1, len(searches)):
                axes.axhline(row - 0.5, color="0.88", linewidth=1, zorder=0)
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            axes.minorticks_off()
            axes.tick_params(axis="y", which="both", length=0)
            axes.margins(x=0.1)
            axes.set_xlabel(title, fontsize=18)
        axes_of[0].set_yticks(np.arange(len(searches)), [plain(search) for search in searches], fontsize=15)
        axes_of[0].set_ylim(len(searches) - 0.5, -0.5)
        for method in methods:
            look = styles[method]
            axes_of[0].plot([], [], look.marker, color=look.color, markersize=8, label=look.label)
        figure.legend(*axes_of[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(methods)))
        sign_panels([[axes] for axes in axes_of], note)
    return figure
