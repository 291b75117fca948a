"""Agreement of the scores of several runs, as a table of colours."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hepad.plots.labels import SampleStyle, sample_label
from hepad.plots.style import SEQUENTIAL, house_style, new_figure

_MOST_WITH_NUMBERS = 12


def plot_runs_correlation(
    styles: dict[str, SampleStyle],
    pearson: ArrayLike,
    spearman: ArrayLike,
    *,
    sample: str,
    note: str | None = None,
) -> Figure:
    """Correlation of the scores of K runs on the same entries: Spearman's below the diagonal, Pearson's above.

    Args:
        styles: run → look, in the order of the rows.
        pearson: `(K, K)`; NaN is left white.
        spearman: `(K, K)`.
        sample: whose entries.
        note: what the data are.

    Raises:
        ValueError: matrices of another size.
    """
    linear, ranked = np.asarray(pearson, dtype=np.float64), np.asarray(spearman, dtype=np.float64)
    count = len(styles)
    if linear.shape != (count, count) or ranked.shape != (count, count):
        raise ValueError(f"matrices of shape {linear.shape} and {ranked.shape} for {count} runs")
    table = np.where(np.tri(count, k=-1, dtype=bool), ranked, linear)
    np.fill_diagonal(table, np.nan)
    labels = [look.label for look in styles.values()]
    margin = 0.11 * max(len(label) for label in labels)
    # Models agree a little or a lot; the scale starts where the least alike of them are.
    lowest = min(0.0, float(np.nanmin(table))) if np.isfinite(table).any() else 0.0
    with house_style():
        side = max(5.0, 0.5 * count) + 1.5
        figure, axes = new_figure(note, size=(side + margin + 1.5, side + margin))
        mesh = axes.pcolormesh(np.ma.masked_invalid(table), cmap=SEQUENTIAL, vmin=lowest, vmax=1)
        if count <= _MOST_WITH_NUMBERS:
            for row, column in np.argwhere(np.isfinite(table)):
                value = table[row, column]
                dark = value < lowest + 0.6 * (1 - lowest)
                text = f"{value:.2f}" if value < 0.995 else f"{value:.3f}"
                axes.text(
                    column + 0.5,
                    row + 0.5,
                    text,
                    ha="center",
                    va="center",
                    fontsize=14 if count <= 8 else 11,
                    color="white" if dark else "black",
                )
        ticks = np.arange(count) + 0.5
        axes.set_xticks(ticks, labels, fontsize=13, rotation=90)
        axes.set_yticks(ticks, labels, fontsize=13)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        axes.set_title(sample_label(sample), loc="right")
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, shrink=0.8)
        bar.set_label("Below: Spearman, above: Pearson", fontsize=15)
    return figure
