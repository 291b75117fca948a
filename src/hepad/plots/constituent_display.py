"""The most anomalous fat jets beside the nearest of the background: constituents as points in Δη and Δφ."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from hepad.plots.style import house_style

_LARGEST: Final = 1500.0
"""Area, in square points, of a constituent that has all of its jet's pT."""

_REACH: Final = 0.4
_GREY: Final = "0.55"


def plot_constituents(
    places: ArrayLike,
    shares: ArrayLike,
    contributions: ArrayLike,
    titles: Sequence[str],
    nearest: tuple[ArrayLike, ArrayLike],
) -> Figure:
    """Constituents of jets, each a point whose area is its share of the pT; beside each jet the nearest of background.

    Args:
        places: (N, S, 2) Δη and Δφ of the constituents.
        shares: (N, S) of their jet's pT, 0 for no constituent.
        contributions: (N, S) shares of the score, which redden a point.
        titles: one per jet.
        nearest: places and shares of the nearest background jets.

    Raises:
        ValueError: shapes do not fit together.

    >>> import numpy as np
    >>> from hepad.plots.constituent_display import plot_constituents
    >>> places, shares = np.array([[[0.0, 0.1], [0.0, 0.0]]]), np.array([[1.0, 0.0]])
    >>> figure = plot_constituents(places, shares, shares, ["first"], (places, shares))
    >>> [axes.get_title() for axes in figure.axes], len(figure.axes[0].collections[0].get_offsets())
    (['first', 'Nearest background'], 1)
    """
    where, size, red = (np.asarray(each, dtype=np.float64) for each in (places, shares, contributions))
    other, other_size = (np.asarray(each, dtype=np.float64) for each in nearest)
    if where.shape != (*size.shape, 2) or red.shape != size.shape or other.shape != where.shape:
        raise ValueError(f"places {where.shape}, shares {size.shape}, nearest {other.shape}: unequal shapes")
    reach = max(
        _REACH, *(1.1 * float(np.abs(at[n > 0]).max(initial=0)) for at, n in ((where, size), (other, other_size)))
    )
    with house_style():
        figure = Figure(figsize=(11.0, 0.9 + 5.2 * len(where)), layout="constrained")
        grid = figure.subplots(len(where), 2, squeeze=False, sharex=True, sharey=True)
        for i, (left, right) in enumerate(grid):
            _draw(left, where[i], size[i], red[i])
            _draw(right, other[i], other_size[i], None)
            left.set_title(titles[i], fontsize=16)
            right.set_title("Nearest background", fontsize=16)
            left.set_ylabel("Δφ [rad]")
        for axes in grid.flat:
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        for axes in grid[-1]:
            axes.set_xlabel("Δη")
        figure.suptitle(r"$\mathbf{hepad}$", x=0.01, ha="left", fontsize=20)
    return figure


def _draw(
    axes: Axes, places: NDArray[np.float64], shares: NDArray[np.float64], red: NDArray[np.float64] | None
) -> None:
    real = shares > 0
    eta, phi = places[real].T
    look = {"color": _GREY} if red is None else {"c": np.sqrt(np.clip(red[real], 0, 1)), "cmap": "Reds", "vmin": -0.3}
    axes.scatter(
        eta, phi, s=_LARGEST * shares[real], alpha=0.8, edgecolors="0.2", vmax=1.0 if red is not None else None, **look
    )
