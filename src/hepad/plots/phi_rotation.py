"""How much scores move when images are rotated in φ."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.metrics.symmetry import change_by_transformation
from hepad.plots.labels import SampleStyle, sample_label, sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


def plot_phi_rotation(
    scores: Mapping[str, ArrayLike],
    *,
    background: str,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """The RMS change of the score for each rotation, as a share of the spread of the background's scores.

    Args:
        scores: sample → (T, N) scores of N images rotated by 0, 1, … T − 1 rows in φ.
        background: the sample whose spread is the unit.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no such background, or fewer than one rotation.
    """
    if background not in scores:
        raise ValueError(f"no scores of {background!r}; there are {', '.join(scores)}")
    tables = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    n_rotations = len(tables[background]) - 1
    if n_rotations < 1:
        raise ValueError("no rotation to plot")
    spread = float(tables[background].std()) or 1.0
    looks = styles or sample_styles(tables)
    steps = np.arange(1, n_rotations + 1)
    with house_style():
        figure, axes = new_figure(note)
        for name, table in tables.items():
            changes = change_by_transformation(table, spread)
            look = looks[name]
            axes.plot(steps, changes, look.linestyle, marker=look.marker, color=look.color, label=look.label)
        axes.set_ylim(0, None)
        axes.set_xlim(0, n_rotations + 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(r"Rotation in $\phi$ [rows, $\Delta i\phi$]")
        axes.set_ylabel(f"RMS change of the score / spread ({sample_label(background)})")
        legend_above_data(axes, columns=3)
    return figure
