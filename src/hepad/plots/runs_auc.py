"""AUC of several runs with their intervals, one panel per signal."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hepad.plots.labels import SampleStyle, feature_name, sample_label
from hepad.plots.runs import TRIVIAL_COLOR
from hepad.plots.style import house_style, sign


def plot_runs_auc(
    areas: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    runs: Sequence[str],
    reference: str,
    baseline: str,
    styles: Mapping[str, SampleStyle],
    trivial: Mapping[str, tuple[str, float]] | None = None,
    note: str | None = None,
) -> Figure:
    """AUC and 68% interval of every run (rows, in the order given) for every signal (panels).

    Args:
        areas: signal → run → AUC, low and high end of its interval.
        runs: rows from top to bottom.
        reference: the sample on the background side.
        baseline: the run that the others are compared with; a line marks its AUC.
        styles: run → look.
        trivial: signal → name and AUC of the best trivial score, a hollow marker in a row below the runs.
        note: what the data are.

    Raises:
        ValueError: no signals or no runs.
    """
    if not areas or not runs:
        raise ValueError("no AUC to plot")
    with house_style():
        width = max(10.0, 0.16 * max(len(styles[run].label) for run in runs) + 3.0 * len(areas))
        n_rows = len(runs) + bool(trivial)
        figure = Figure(figsize=(width, 2.4 + 0.42 * n_rows), layout="constrained")
        panels = figure.subplots(1, len(areas), sharey=True, squeeze=False)[0]
        for axes, (signal, of_run) in zip(panels, areas.items(), strict=True):
            if baseline in of_run:
                axes.axvline(of_run[baseline][0], color="0.6", linestyle=(0, (4, 3)), linewidth=1.5)
            for row, run in enumerate(runs):
                if run in of_run:
                    value, low, high = of_run[run]
                    axes.errorbar(
                        value,
                        row,
                        xerr=[[value - low], [high - value]],
                        fmt=styles[run].marker,
                        color=styles[run].color,
                        markersize=8,
                        linewidth=2,
                    )
            if trivial and signal in trivial:
                name, value = trivial[signal]
                axes.axvline(value, color=TRIVIAL_COLOR, linestyle=":", linewidth=2.5, zorder=0)
                axes.plot(value, len(runs), marker="o", color="0.35", markerfacecolor="white", markersize=9)
                axes.annotate(
                    feature_name(name),
                    (0.5, len(runs) + 0.42),
                    xycoords=("axes fraction", "data"),
                    ha="center",
                    va="center",
                    fontsize=11,
                    color="0.35",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                )
            axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
            axes.minorticks_off()
            axes.tick_params(axis="y", which="both", length=0)
            axes.margins(x=0.12)
            axes.set_xlabel(f"AUC, {sample_label(signal)}", fontsize=17)
            axes.grid(axis="y", color="0.9", linewidth=1)
        labels = [*(styles[run].label for run in runs), *(["Best trivial score"] if trivial else [])]
        panels[0].set_yticks(np.arange(n_rows), labels, fontsize=14)
        panels[0].set_ylim(n_rows - (0.2 if trivial else 0.5), -0.5)
        sign(panels[0])
        panels[-1].set_title(note or f"Reference: {sample_label(reference)}", loc="right", fontsize=16)
    return figure
