"""Closure of ABCD estimates over cuts."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hepad.metrics.abcd import AbcdClosure
from hepad.plots.labels import sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


def plot_abcd_closure(
    closures: Mapping[str, Sequence[AbcdClosure]], names: tuple[str, str], *, note: str | None = None
) -> Figure:
    """Observed over predicted entries above two cuts, against the share of the background that passes each of them.

    Args:
        closures: sample → closure at each cut.
        names: the two scores.
        note: what the data are.

    Raises:
        ValueError: no sample has a cut with enough entries.

    >>> import numpy as np
    >>> from hepad.metrics.abcd import abcd_closure
    >>> from hepad.plots.abcd import plot_abcd_closure
    >>> x, y = np.random.default_rng(0).normal(size=(2, 5000))
    >>> figure = plot_abcd_closure({"zero_bias": abcd_closure(x, y)}, ("first", "second"))
    >>> figure.axes[0].get_ylabel()
    'Observed / predicted in A'
    """
    drawn = {sample: found for sample, found in closures.items() if found}
    if not drawn:
        raise ValueError("no cut leaves 10 entries in each of the four regions")
    looks = sample_styles(drawn)
    with house_style():
        figure, axes = new_figure(note)
        axes.axhline(1, color="black", linewidth=1.5)
        for sample, found in drawn.items():
            axes.errorbar(
                [each.efficiency for each in found],
                [each.ratio for each in found],
                yerr=[each.error for each in found],
                fmt=looks[sample].marker or "o",
                markersize=9,
                color=looks[sample].color,
                elinewidth=2,
                label=looks[sample].label,
            )
        axes.set_xscale("log")
        axes.invert_xaxis()
        shares = sorted({each.efficiency for found in drawn.values() for each in found})
        axes.xaxis.set_major_locator(FixedLocator(shares))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        axes.set_xlabel(f"Background that passes each cut, {names[0]} and {names[1]}")
        axes.set_ylabel("Observed / predicted in A")
        legend_above_data(axes)
    return figure
