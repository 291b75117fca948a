"""Sets of objects in a plane beside their reconstructions, such as the constituents of a jet in Δη and Δφ."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hepad.plots.labels import feature_label
from hepad.plots.reconstructions import picked_entries
from hepad.plots.style import house_style, sign

_AREA: Final = 2500.0
_MARGIN: Final = 1.1


def plot_planes(
    inputs: tuple[ArrayLike, ArrayLike],
    outputs: tuple[ArrayLike, ArrayLike],
    scores: ArrayLike,
    names: Sequence[str],
    note: str | None = None,
) -> Figure:
    """The entries of lowest, median and highest score, and what the model made of them, each object a disc.

    Args:
        inputs: (N, S, 2) places of objects, and (N, S) their shares, which the areas of discs are; 0 for no object.
        outputs: the same of the reconstructions.
        scores: (N,) anomaly scores.
        names: of the two features that are places.
        note: what the data are.

    Raises:
        ValueError: shapes do not fit together, or no entries.

    >>> import numpy as np
    >>> from hepad.plots import plot_planes
    >>> rng = np.random.default_rng(0)
    >>> jets = rng.normal(size=(20, 8, 2)), rng.dirichlet(np.ones(8), 20)
    >>> figure = plot_planes(jets, jets, np.arange(20), ["delta_eta", "delta_phi"])
    >>> [axes.get_title() for axes in figure.axes[:2]]
    ['Input', 'Reconstruction']
    """
    (x, share), (x_hat, share_hat) = (
        tuple(np.asarray(each, dtype=np.float64) for each in s) for s in (inputs, outputs)
    )
    values = np.asarray(scores, dtype=np.float64)
    if x.shape != x_hat.shape or share.shape != share_hat.shape or x.shape != (*share.shape, 2) or not x.size:
        raise ValueError(f"places {x.shape} and {x_hat.shape}, shares {share.shape} and {share_hat.shape} do not fit")
    if values.shape != x.shape[:1] or len(names) != 2:
        raise ValueError(f"{values.shape} scores and {len(names)} names for entries {x.shape}")
    picks, titles = picked_entries(values)
    with house_style():
        figure = Figure(figsize=(12.0, 1.0 + 5.2 * len(picks)), layout="constrained")
        grid = figure.subplots(len(picks), 2, squeeze=False, sharex=True, sharey=True)
        real = [x[picks][share[picks] > 0], x_hat[picks][share_hat[picks] > 0]]
        reach = _MARGIN * max((float(np.abs(places).max()) for places in real if places.size), default=1.0)
        for row, pick, title in zip(grid, picks, titles, strict=True):
            for axes, places, shares, color in ((row[0], x, share, "#3f90da"), (row[1], x_hat, share_hat, "#bd1f01")):
                there = shares[pick] > 0
                area = _AREA * shares[pick][there]
                axes.scatter(*places[pick][there].T, s=area, color=color, alpha=0.5, edgecolors="0.2", linewidths=0.8)
                axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            row[0].set_ylabel(f"{title}\n{feature_label(names[1])}", fontsize=18)
        for axes, text in zip(grid[0], ("Input", "Reconstruction"), strict=True):
            axes.set_title(text)
        for axes in grid[-1]:
            axes.set_xlabel(feature_label(names[0]))
        sign(grid[0][0], note)
    return figure
