"""Feature vectors beside their reconstructions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hepad.plots.labels import feature_name
from hepad.plots.style import sign

FloatArray = NDArray[np.float64]


def draw_vectors(
    inputs: FloatArray,
    outputs: FloatArray,
    mean: FloatArray,
    spread: FloatArray,
    titles: Sequence[str],
    names: Sequence[str],
    note: str | None = None,
) -> Figure:
    """One panel per entry: input and reconstruction of every feature in spreads from its mean, raw values above.

    Args:
        inputs: (N, F) entries to show, in raw units.
        outputs: (N, F) reconstructions.
        mean: (F,) the zero of each feature's scale.
        spread: (F,) the unit of each feature's scale.
        titles: one per entry.
        names: F feature names.
        note: what the data are.
    """
    figure = Figure(figsize=(max(8.0, 2.5 + 0.72 * len(names)), 1.8 + 2.7 * len(inputs)), layout="constrained")
    rows = np.atleast_1d(figure.subplots(len(inputs), 1, sharex=True))
    sign(rows[0], note)
    columns = np.arange(len(names))
    for axes, given, remade, title in zip(rows, inputs, outputs, titles, strict=True):
        a, b = (given - mean) / spread, (remade - mean) / spread
        axes.vlines(columns, np.minimum(a, b), np.maximum(a, b), color="0.7", linewidth=2)
        axes.plot(columns, a, "o", markersize=9, color="#3f90da", label="Input")
        axes.plot(
            columns,
            b,
            "D",
            markersize=8,
            markerfacecolor="none",
            markeredgewidth=2,
            color="#bd1f01",
            label="Reconstruction",
        )
        low, high = min(a.min(), b.min(), -1.0), max(a.max(), b.max(), 1.0)
        # Room above the points for the two rows of raw values.
        axes.set_ylim(low - 0.1 * (high - low), high + 0.6 * (high - low))
        for column in columns:
            for height, value, color in (
                (0.93, given[column], "#20639b"),
                (0.79, remade[column], "#bd1f01"),
            ):
                axes.text(
                    column,
                    height,
                    f"{value:.3g}",
                    transform=axes.get_xaxis_transform(),
                    ha="center",
                    va="center",
                    fontsize=12,
                    color=color,
                )
        axes.axhline(0, color="0.6", linewidth=1, zorder=0)
        axes.set_title(title, fontsize=16)
        axes.tick_params(axis="x", which="both", length=0)
    rows[-1].set_xticks(
        columns, [feature_name(name) for name in names], rotation=60, ha="right", rotation_mode="anchor", fontsize=14
    )
    rows[-1].set_xlim(-0.6, len(names) - 0.4)
    rows[-1].set_xlabel("Feature (raw values above the points)")
    figure.supylabel("(Value − mean) / spread", fontsize=19)
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=15)
    return figure
