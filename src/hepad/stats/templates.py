"""Shape of a signal in a spectrum: the share of its events in each bin."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.spectrum import FloatArray, checked_edges
from hepad.stats.windows import Window, window_bins


def gaussian_signal(edges: ArrayLike, mass: float, width: float) -> FloatArray:
    """Return the shares of a Gaussian peak in bins; what lies outside the spectrum is missing from the sum.

    Args:
        edges: `(B + 1,)`.
        mass: of the peak.
        width: standard deviation, in the same unit.

    Returns:
        `(B,)`.

    >>> from hepad.stats import gaussian_signal
    >>> gaussian_signal([3000, 3400, 3500, 3600, 4000], 3500, 100).round(3)
    array([0.159, 0.341, 0.341, 0.159])
    """
    found = checked_edges(edges)
    if not (np.isfinite(mass) and np.isfinite(width) and width > 0):
        raise UserError(f"a peak needs a mass and a width above 0, not {mass} and {width}")
    return np.asarray(np.diff(norm.cdf(found, mass, width)))


def window_signal(edges: ArrayLike, window: Window) -> FloatArray:
    """Return the shares of a signal that is flat in a window and nowhere else.

    >>> from hepad.stats import window_signal
    >>> window_signal([3000, 3400, 3500, 3800, 4000], (3400, 3800))
    array([0.  , 0.25, 0.75, 0.  ])
    """
    found = checked_edges(edges)
    share = np.where(window_bins(found, window), np.diff(found), 0.0)
    return np.asarray(share / share.sum())


def checked_signal(template: ArrayLike, n_bins: int) -> FloatArray:
    """Return a template as an array.

    Raises:
        UserError: another number of bins, a negative share, or no signal at all.
    """
    found = np.asarray(template, dtype=np.float64)
    if found.shape != (n_bins,):
        raise UserError(f"a signal of {found.size} bins for a spectrum of {n_bins}")
    if not np.isfinite(found).all() or (found < 0).any() or not found.sum() > 0:
        raise UserError("a signal needs a share of its events in each bin, none negative, and some above 0")
    return found
