"""Losses of AUC with the number of bits of a network's weights and results."""

from collections.abc import Mapping
from typing import Final

from matplotlib.figure import Figure

from hepad.plots.labels import sample_label
from hepad.plots.style import house_style, new_figure

_LEAST: Final = 1e-5


def plot_bit_widths(
    aucs: Mapping[int, Mapping[str, float]],
    exact: Mapping[str, float],
    background: str,
    *,
    chosen: int | None = None,
    note: str | None = None,
) -> Figure:
    """The change of each signal's AUC by rounding against the width of the numbers; below 1e-5 it is drawn there.

    Args:
        aucs: width in bits → signal → AUC.
        exact: signal → AUC without rounding.
        background: the sample that they are against.
        chosen: the width that is used.
        note: what the data are.

    >>> from hepad.plots.bit_widths import plot_bit_widths
    >>> figure = plot_bit_widths({8: {"ttbar": 0.8}, 16: {"ttbar": 0.9}}, {"ttbar": 0.9}, "zero_bias", chosen=16)
    >>> figure.axes[0].get_xlabel()
    'Bits of weights and results'
    """
    with house_style():
        figure, axes = new_figure(note)
        widths = sorted(aucs)
        for name, area in exact.items():
            change = [max(_LEAST, abs(aucs[width][name] - area)) for width in widths]
            axes.plot(widths, change, "o-", label=f"{sample_label(name)}, {area:.3f}")
        if chosen is not None:
            axes.axvline(chosen, color="0.6", linestyle=":", linewidth=1.8, label=f"chosen, {chosen} bits")
        axes.set_yscale("log")
        axes.set_ylim(0.7 * _LEAST, 1)
        axes.set_xticks(widths)
        axes.set_xlabel("Bits of weights and results")
        axes.set_ylabel(f"|ΔAUC| against {sample_label(background)}")
        axes.legend(loc="upper right", fontsize=15, title="AUC in float64", title_fontsize=15)
    return figure
