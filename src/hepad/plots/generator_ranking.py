"""Generators side by side: how well classifiers tell what they make from real entries."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from hepad.plots.generator_distributions import FLOOR, GENERATED
from hepad.plots.labels import plain
from hepad.plots.style import house_style, new_figure

_MARKERS: Final = {"trees": ("o", "Boosted trees"), "mlp": ("s", "Network")}


def plot_generator_ranking(
    aucs: Mapping[str, Mapping[str, tuple[tuple[float, float, float] | None, tuple[float, float, float] | None]]],
    *,
    note: str | None = None,
) -> Figure:
    """AUC of each classifier for each generator with its error, the best at the top, and its floor beside it.

    Args:
        aucs: generator → classifier → (AUC, low, high) of generated entries, and of the floor; the best first.
        note: what the data are.
    """
    with house_style():
        figure, axes = new_figure(note, (10.0, max(4.5, 0.8 * len(aucs) + 2.6)))
        told: set[str] = set()
        for row, (_, found) in enumerate(reversed(list(aucs.items()))):
            for k, (kind, sides) in enumerate(found.items()):
                marker, title = _MARKERS.get(kind, ("D", plain(kind)))
                at = row + 0.16 * (len(found) - 1) / 2 - 0.16 * k
                for side, colour, name in zip(sides, (GENERATED, FLOOR), (title, f"{title}, floor"), strict=True):
                    if side is None:
                        continue
                    value, low, high = side
                    axes.errorbar(
                        [value],
                        [at],
                        xerr=[[max(value - low, 0.0)], [max(high - value, 0.0)]],
                        fmt=marker,
                        color=colour,
                        markersize=8,
                        capsize=3,
                        label=None if name in told else name,
                    )
                    told.add(name)
        axes.axvline(0.5, color="0.6", linewidth=1.5)
        axes.set_yticks(np.arange(len(aucs)), [plain(name) for name in reversed(list(aucs))], fontsize=15)
        axes.set_ylim(-0.6, len(aucs) - 0.4)
        axes.minorticks_off()
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.set_xlabel("AUC of generated against real entries")
        axes.legend(loc="lower right", fontsize=14, frameon=True, framealpha=0.9)
    return figure
