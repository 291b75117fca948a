"""Significance improvement of the methods of a search, where truth is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from hepad.plots.labels import SampleStyle
from hepad.plots.style import house_style, legend_above_data, new_figure


@dataclass(frozen=True)
class SicBand:
    """Significance improvement of one method.

    Attributes:
        efficiency: of signal, (P,).
        sic: TPR/√FPR at each, (P,); NaN where it is not known.
        low, high: ends of its 68% interval.
        told: the largest with its error, in words.
    """

    efficiency: Sequence[float]
    sic: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    told: str = ""


def plot_search_sic(
    bands: Mapping[str, SicBand], *, styles: Mapping[str, SampleStyle], note: str | None = None
) -> Figure:
    """Significance improvement of each method against signal efficiency, with 68% bands.

    Args:
        bands: method → its curve.
        styles: method → look.
        note: what the data are.

    Raises:
        ValueError: no curve has a point.

    >>> from hepad.plots.runs import run_styles
    >>> from hepad.plots.search_performance import SicBand, plot_search_sic
    >>> band = SicBand([0.1, 0.5, 1.0], [4.0, 6.0, 1.0], [3.0, 5.5, 1.0], [5.0, 6.5, 1.0], "6.0")
    >>> figure = plot_search_sic({"cathode": band}, styles=run_styles(["cathode"], None, ["cathode"]))
    >>> figure.axes[0].get_legend_handles_labels()[1]
    ['cathode: max 6.0', 'Random']
    """
    shown = {method: band for method, band in bands.items() if np.isfinite(np.asarray(band.sic, dtype=float)).any()}
    if not shown:
        raise ValueError("no cut keeps enough background: no significance improvement to plot")
    with house_style():
        figure, axes = new_figure(note)
        highest = 1.0
        for method, band in shown.items():
            look = styles[method]
            x, middle, low, high = (
                np.asarray(values, dtype=float) for values in (band.efficiency, band.sic, band.low, band.high)
            )
            known = np.isfinite(middle)
            banded = known & np.isfinite(low) & np.isfinite(high)
            axes.fill_between(x, low, high, where=banded, color=look.color, alpha=0.22, linewidth=0, zorder=1)
            label = f"{look.label}: max {band.told}" if band.told else look.label
            axes.plot(
                x[known],
                middle[known],
                color=look.color,
                linestyle=look.linestyle,
                label=label,
                zorder=2,
                linewidth=2.4,
            )
            highest = max(highest, float(middle[known].max()), float(np.nanquantile(high[known], 0.98)))
        efficiency = np.linspace(0, 1, 200)
        axes.plot(efficiency, np.sqrt(efficiency), color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
        axes.set_xlabel("Signal efficiency in the window")
        axes.set_ylabel("SIC, TPR / √FPR")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.05 * highest)
        legend_above_data(axes, columns=2 if len(shown) > 2 else 1)
    return figure
