"""Look of cuts, windows and significances, the same in all figures of a search."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import norm

from hepad.plots.labels import FEATURES, SampleStyle, plain
from hepad.plots.style import sign

WINDOW_COLOR: Final = "#ffa90e"
"""Of the shade over the window of a search."""

FIT_COLOR: Final = "#3f90da"

# Petroff's colours (arXiv:2107.02270); black is for all entries, before any cut.
_CUTS: Final = ("#3f90da", "#e76300", "#832db6", "#bd1f01", "#00798c", "#a96b59", "#b9ac70")
_LINES: Final = ("--", "-.", ":", "-", "--", "-.", ":")
_MARKERS: Final = ("s", "^", "D", "v", "P", "X", "<")


def observable_label(name: str, unit: str) -> str:
    """Return the observable that is scanned with its unit, for an axis.

    >>> from hepad.plots.search_style import observable_label
    >>> observable_label("m_jj", "TeV"), observable_label("my_mass", "")
    ('$m_{jj}$ [TeV]', 'my_mass')
    """
    label = FEATURES[name][0] if name in FEATURES else plain(name)
    return f"{label} [{plain(unit)}]" if unit else label


def cut_label(efficiency: float) -> str:
    """Return what a cut is called, by the share of background that passes it.

    >>> from hepad.plots.search_style import cut_label
    >>> cut_label(1), cut_label(0.1), cut_label(0.001)
    ('no cut', 'top 10%', 'top 0.1%')
    """
    return "no cut" if efficiency == 1 else f"top {100 * efficiency:.3g}%"


def cut_styles(efficiencies: Iterable[float]) -> dict[float, SampleStyle]:
    """Return the look of each cut: black for none, then a colour, a line and a marker each, loosest first."""
    found = {}
    cuts = sorted(set(efficiencies), reverse=True)
    for i, efficiency in enumerate(cut for cut in cuts if cut != 1):
        j = i % len(_CUTS)
        found[efficiency] = SampleStyle(cut_label(efficiency), _CUTS[j], _LINES[j], _MARKERS[j])
    return {**({1.0: SampleStyle(cut_label(1), "#000000", "-", "o")} if 1 in cuts else {}), **found}


def shade_window(axes: Axes, low: float, high: float, top: float = 1.0, label: str | None = None) -> None:
    """Shade the window of a search up to a share `top` of the height, behind everything else."""
    axes.axvspan(low, high, ymax=top, color=WINDOW_COLOR, alpha=0.16, linewidth=0, zorder=0, label=label)
    for end in (low, high):
        axes.axvline(end, ymax=top, color=WINDOW_COLOR, linewidth=1.2, zorder=0.5)


def p_of_z(z: float) -> float:
    """Return the one-sided p-value of a significance."""
    return float(norm.sf(z))


def draw_z_lines(axes: Axes) -> None:
    """Draw a line at the p-value of each significance from 1 to 5, and of every second one below, named at the right.

    Args:
        axes: with p-values on a logarithmic vertical axis that has its limits; names that would touch are left out.
    """
    lowest, highest = np.log10(axes.get_ylim())
    named = 0.0
    for z in (1, 2, 3, 4, 5, 7, 9, 11):
        if np.log10(p_of_z(z)) < lowest:
            break
        axes.axhline(p_of_z(z), color="0.55", linewidth=1.1, linestyle=(0, (1, 1.5)), zorder=0.6)
        if named - np.log10(p_of_z(z)) < _APART * (highest - lowest):
            continue
        named = np.log10(p_of_z(z))
        axes.annotate(
            f"{z}σ",
            (1, p_of_z(z)),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=17,
            color="0.25",
            annotation_clip=False,
        )


_APART: Final = 0.042
"""Share of an axis that two names must be apart."""
_LEFT: Final = 1.15
_RIGHT: Final = 0.45
_TOP: Final = 0.5
_BOTTOM: Final = 0.95


def panel_grid(
    count: int, most: int = 4, width: float = 5.2, height: float = 5.6, gap: float = 0.95, below: float = 0.0
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure of panels side by side and, of each, its axes; call it inside `house_style()`.

    Margins are fixed, in inches: there are many of these figures, and finding margins anew takes most of their time.

    Args:
        count: panels.
        most: panels in a row.
        width, height: of a panel, in inches; a single panel is wider.
        gap: between panels, for the labels of their ticks.
        below: height of a second pair of axes under each panel; 0 for none.
    """
    rows = math.ceil(count / most)
    # As many in each row as there can be, rather than one alone in the last.
    columns = math.ceil(count / rows)
    width = 8.4 if columns == 1 else width
    between = 0.12 if below else 0.0
    tall = height + between + below
    size = (
        _LEFT + columns * width + (columns - 1) * gap + _RIGHT,
        _TOP + rows * tall + (rows - 1) * (_BOTTOM + 0.15) + _BOTTOM,
    )
    figure = Figure(figsize=size)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=_LEFT / size[0],
        right=1 - _RIGHT / size[0],
        top=1 - _TOP / size[1],
        bottom=_BOTTOM / size[1],
        wspace=gap / width,
        hspace=(_BOTTOM + 0.15) / tall,
    )
    panels = []
    for i in range(count):
        cell = grid[i // columns, i % columns]
        if below:
            parts = cell.subgridspec(2, 1, height_ratios=(height, below), hspace=2 * between / (height + below))
            top = figure.add_subplot(parts[0])
            panels.append([top, figure.add_subplot(parts[1], sharex=top)])
        else:
            panels.append([figure.add_subplot(cell)])
    return figure, panels


def first_of_rows(panels: Sequence[Sequence[Axes]]) -> list[Sequence[Axes]]:
    """Return the panels that stand at the left, whose vertical axis is named."""
    left = min(panel[0].get_position().x0 for panel in panels)
    return [panel for panel in panels if panel[0].get_position().x0 < left + 1e-6]


def sign_panels(panels: Sequence[Sequence[Axes]], note: str | None) -> None:
    """Write `hepad` above the first panel, and what the data are above the last of its row."""
    top = max(panel[0].get_position().y1 for panel in panels)
    last = [panel[0] for panel in panels if panel[0].get_position().y1 > top - 1e-6][-1]
    sign(panels[0][0], note if last is panels[0][0] else None)
    if note and last is not panels[0][0]:
        last.set_title(note, loc="right")
