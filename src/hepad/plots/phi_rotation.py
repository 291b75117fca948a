"""Movement of scores when images are rotated in φ."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from hepad.metrics.symmetry import change_by_transformation
from hepad.plots.labels import SampleStyle, sample_styles
from hepad.plots.style import house_style, legend_above_data, new_figure


def plot_phi_rotation(
    scores: Mapping[str, ArrayLike],
    *,
    steps: Sequence[int] | None = None,
    styles: Mapping[str, SampleStyle] | None = None,
    note: str | None = None,
) -> Figure:
    """The RMS change of the score for each rotation, as a share of the spread of the sample's scores.

    Args:
        scores: sample → (T, N) scores of N images, the first as they are, then rotated by each of `steps`.
        steps: rows in φ; None for 1, 2, … T − 1.
        styles: sample → look.
        note: what the data are.

    Raises:
        ValueError: no samples, different numbers of rotations, or none.

    >>> import numpy as np
    >>> from hepad.plots import plot_phi_rotation
    >>> scores = np.random.default_rng(0).random((18, 100))
    >>> figure = plot_phi_rotation({"zero_bias": scores})
    >>> len(figure.axes[0].lines[0].get_xdata())
    17
    """
    tables = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    lengths = {len(table) for table in tables.values()}
    if len(lengths) != 1 or min(lengths) < 2:
        raise ValueError(
            f"{sorted(lengths)} orientations of the samples; the same number for all, at least 2, is needed"
        )
    n_rotations = min(lengths) - 1
    looks = styles or sample_styles(tables)
    rows = np.arange(1, n_rotations + 1) if steps is None else np.asarray(steps)
    with house_style():
        figure, axes = new_figure(note)
        for name, table in tables.items():
            changes = change_by_transformation(table, float(table.std()) or 1.0)
            look = looks[name]
            axes.plot(rows, changes, look.linestyle, marker=look.marker, color=look.color, label=look.label)
        axes.set_ylim(0, None)
        axes.set_xlim(0, rows.max() + 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(r"Rotation in $\phi$ [rows, $\Delta i\phi$]")
        axes.set_ylabel("RMS change of the score / its spread")
        legend_above_data(axes, columns=3)
    return figure
