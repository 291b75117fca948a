"""Windows of a spectrum: the bins inside, and the side bands around."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from hepad.core.errors import UserError
from hepad.stats.spectrum import BoolArray, FloatArray, checked_edges, unit_hint

Window: TypeAlias = tuple[float, float]
"""Lower and upper mass."""

MIN_SIDE_BINS: Final = 2
"""Bins that a side band needs on each side of a window."""


def align_edges(edges: ArrayLike, *windows: Window) -> FloatArray:
    """Return edges with the ends of windows among them, so that no bin is cut in two.

    An edge nearer to an end than half of the narrower bin beside it gives way.

    >>> from hepad.stats import align_edges
    >>> align_edges([2600, 3000, 3500, 4100], (3040, 3500), (3300, 3700))
    array([2600., 3040., 3300., 3500., 3700., 4100.])
    """
    found = checked_edges(edges)
    for window in windows:
        check_window(found, window)
    ends = np.unique(np.asarray(windows, dtype=np.float64))
    widths = np.diff(found)
    half = np.minimum(widths[1:], widths[:-1]) / 2
    inner = found[1:-1]
    kept = inner[np.abs(inner[:, None] - ends).min(axis=1, initial=np.inf) >= half]
    return checked_edges(np.unique(np.concatenate([found[[0, -1]], kept, ends])))


def window_bins(edges: ArrayLike, window: Window) -> BoolArray:
    """Return which bins a window holds.

    Args:
        edges: `(B + 1,)`.
        window: lower and upper end, each on an edge (`align_edges`).

    Returns:
        `(B,)`, true inside.

    Raises:
        UserError: the window ends inside a bin, or outside the spectrum.

    >>> from hepad.stats import window_bins
    >>> window_bins([2600, 3000, 3500, 4100], (3000, 3500))
    array([False,  True, False])
    """
    found = checked_edges(edges)
    check_window(found, window)
    slack = 1e-6 * np.diff(found).min()
    for end in window:
        nearest = float(found[np.argmin(np.abs(found - end))])
        if abs(nearest - end) > slack:
            raise UserError(f"the window ends at {end:g} inside a bin, whose edge is {nearest:g}: align_edges moves it")
    centers = (found[1:] + found[:-1]) / 2
    return (centers > window[0]) & (centers < window[1])


def check_side_bands(edges: ArrayLike, window: Window, minimum: int = MIN_SIDE_BINS) -> None:
    """Check that a window has side bands: bins below and above it.

    Raises:
        UserError: a side has fewer than `minimum` bins.

    >>> from hepad.stats import check_side_bands
    >>> check_side_bands([1, 2, 3, 4, 5, 6], (3, 4)) is None
    True
    """
    inside = np.flatnonzero(window_bins(edges, window))
    below, above = int(inside[0]), int(checked_edges(edges).size - 2 - inside[-1])
    for bins, side in ((below, "below"), (above, "above")):
        if bins < minimum:
            raise UserError(
                f"the window {window[0]:g} to {window[1]:g} has {bins} bins {side} it, and a side band needs "
                f"{minimum}: move the window, or widen the spectrum"
            )


def check_window(edges: FloatArray, window: Window) -> None:
    """Check that a window lies inside a spectrum.

    Raises:
        UserError: it does not; the message says so where both look like other units.
    """
    low, high = window
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UserError(f"a window goes from a lower to a higher mass, not from {low} to {high}")
    slack = 1e-9 * abs(edges[-1])
    if low < edges[0] - slack or high > edges[-1] + slack:
        hint = unit_hint(edges, np.asarray(window))
        raise UserError(
            f"the window {low:g} to {high:g} is not inside the spectrum, {edges[0]:g} to {edges[-1]:g}{hint}"
        )
