"""Distributions of generated entries beside real ones, with ratios; separation power of each observable."""

import math
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepad.generators.card import Distribution
from hepad.plots.labels import FloatArray, feature_label, feature_name
from hepad.plots.style import house_style, legend_below, new_figure, sign

COLUMNS: Final = 4
REAL, GENERATED, FLOOR = "0.75", "#bd1f01", "#3f90da"
_RATIO: Final = (0.5, 1.5)
_SMALLEST: Final = 1e-6


def plot_generator_distributions(distributions: Sequence[Distribution], *, note: str | None = None) -> Figure:
    """Share of each observable's values by bin: real entries filled, generated ones and the floor as lines.

    Below each the ratio to real entries with the standard errors of both; the band is the floor's error. Arrows where
    a ratio lies beyond the axis. Each panel has χ²/ndf of the test.

    Args:
        distributions: of a card.
        note: what the data are.
    """
    rows = math.ceil(len(distributions) / COLUMNS)
    columns = min(COLUMNS, len(distributions))
    with house_style():
        # One panel alone is as wide as two, for its legend.
        figure = Figure(figsize=(4.6 * max(columns, 2), 5.0 * rows + 0.6), layout="constrained")
        grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=(3, 1.2) * rows)
        for k, found in enumerate(distributions):
            row, column = divmod(k, columns)
            _draw(grid[2 * row, column], grid[2 * row + 1, column], found)
            if column == 0:
                grid[2 * row, column].set_ylabel("Share of values", fontsize=16)
                grid[2 * row + 1, column].set_ylabel("Ratio", fontsize=16, loc="center")
        for k in range(len(distributions), rows * columns):
            row, column = divmod(k, columns)
            for axes in (grid[2 * row, column], grid[2 * row + 1, column]):
                axes.set_axis_off()
        sign(grid[0, 0], note)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3, fontsize=17)
    return figure


def plot_separation(
    distributions: Sequence[Distribution], differing: Collection[str], *, note: str | None = None
) -> Figure:
    """Separation power of each observable, of generated entries and of the floor, the largest at the top.

    Args:
        distributions: of a card.
        differing: names of the observables that differ; the others are drawn open.
        note: what the data are.
    """
    tested = [found for found in distributions if "generated" in found.tests]
    ordered = sorted(tested, key=lambda found: found.tests["generated"].separation)
    with house_style():
        figure, axes = new_figure(note, (10.0, max(4.0, 0.42 * len(ordered) + 2.2)))
        places = np.arange(len(ordered))
        values = [max(found.tests["generated"].separation, _SMALLEST) for found in ordered]
        floors = [(i, found.tests["floor"].separation) for i, found in enumerate(ordered) if "floor" in found.tests]
        if floors:
            at, floor = (np.array(column) for column in zip(*floors, strict=True))
            axes.plot(np.maximum(floor, _SMALLEST), at, "|", markersize=16, color=FLOOR, label="Real against real")
        differs = np.array([found.name in differing for found in ordered], dtype=bool)
        for mask, fill, label in (
            (differs, GENERATED, "Generated, differs"),
            (~differs, "white", "Generated, alike"),
        ):
            if mask.any():
                axes.plot(
                    np.array(values)[mask],
                    places[mask],
                    "o",
                    color=GENERATED,
                    markerfacecolor=fill,
                    markersize=9,
                    label=label,
                )
        axes.set_xscale("log")
        axes.set_yticks(places, [feature_name(found.name) for found in ordered], fontsize=15)
        axes.set_ylim(-0.7, len(ordered) - 0.3)
        axes.minorticks_off()
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.set_xlabel(r"Separation power $\frac{1}{2}\sum (h-g)^2/(h+g)$")
        # Not over the smallest values, which lie anywhere.
        legend_below(axes, columns=3, fontsize=15)
    return figure


def _draw(axes: Axes, below: Axes, found: Distribution) -> None:
    edges = found.edges
    real = found.reference.shares[1:-1]
    axes.stairs(real, edges, fill=True, color=REAL, label="Real")
    colours = {"floor": (FLOOR, "Other real", 1.3), "generated": (GENERATED, "Generated", 2.0)}
    lowest = [real]
    for side, (colour, label, width) in colours.items():
        if side in found.shares:
            shares = found.shares[side].shares[1:-1]
            axes.stairs(np.maximum(shares, 1e-12), edges, baseline=None, color=colour, linewidth=width, label=label)
            lowest.append(shares)
            _draw_ratio(below, found, side, colour)
    filled = np.concatenate(lowest)
    filled = filled[filled > 0]
    axes.set_yscale("log")
    if filled.size:
        axes.set_ylim(0.5 * filled.min(), 12 * filled.max())
    for part in (axes, below):
        if found.is_log:
            part.set_xscale("log")
        part.set_xlim(edges[0], edges[-1])
        part.tick_params(labelsize=13)
    axes.tick_params(labelbottom=False)
    below.axhline(1, color="0.5", linewidth=1)
    below.set_ylim(*_RATIO)
    below.minorticks_off()
    below.set_xlabel(feature_label(found.name), fontsize=17)
    test = found.tests.get("generated")
    if test is not None and test.ndf:
        text = rf"$\chi^2$/ndf = {test.chi2_per_ndf:.3g}"
        floor = found.tests.get("floor")
        if floor is not None and floor.ndf:
            text += f" (real {floor.chi2_per_ndf:.2g})"
        axes.text(0.97, 0.96, text, transform=axes.transAxes, ha="right", va="top", fontsize=13)


def _draw_ratio(axes: Axes, found: Distribution, side: str, colour: str) -> None:
    real, other = found.reference, found.shares[side]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = other.shares / real.shares
        error = ratio * np.hypot(other.errors / other.shares, real.errors / real.shares)
    ratio, error = ratio[1:-1], error[1:-1]
    known = np.isfinite(ratio) & np.isfinite(error)
    middle = np.sqrt(found.edges[1:] * found.edges[:-1]) if found.is_log else (found.edges[1:] + found.edges[:-1]) / 2
    if side == "floor":
        low, high = (np.where(known, 1 + sign * error, 1.0) for sign in (-1, 1))
        axes.stairs(high, found.edges, baseline=low, fill=True, color=FLOOR, alpha=0.25)
        return
    inside = known & (ratio >= _RATIO[0]) & (ratio <= _RATIO[1])
    axes.errorbar(middle[inside], ratio[inside], error[inside], fmt="o", markersize=3, color=colour, linewidth=1)
    _arrows(axes, middle[(ratio > _RATIO[1])], _RATIO[1], "^", colour)
    _arrows(axes, middle[(ratio < _RATIO[0])], _RATIO[0], "v", colour)


def _arrows(axes: Axes, at: FloatArray, height: float, marker: str, colour: str) -> None:
    if at.size:
        (arrows,) = axes.plot(
            at, np.full(at.size, height), linestyle="none", marker=marker, markersize=6, color=colour, clip_on=False
        )
        arrows.set_in_layout(False)
