"""Calibration of a density: whether held-out entries are as likely as draws of it say."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

FloatArray = NDArray[np.float64]


class Calibration(NamedTuple):
    """Comparison of ln p of held-out entries with ln p of draws of the density.

    >>> import numpy as np
    >>> from hepad.metrics import density_calibration
    >>> density_calibration(np.array([-5.0, 0.0]), np.array([-3.0, -2.0, -1.0])).p_values
    array([0.125, 0.875])

    Attributes:
        p_values: `(N,)` how often a draw is as unlikely as each held-out entry, (k + ½) / (M + 1); entries that share
            one ln p with draws, such as events without jets, are spread evenly over the range that these take.
        distance: largest difference of the two distributions of ln p (Kolmogorov and Smirnov).
        probability: of a distance as large, were the density right.
    """

    p_values: FloatArray
    distance: float
    probability: float


def density_calibration(log_prob: ArrayLike, generated_log_prob: ArrayLike) -> Calibration:
    """Return the p-values of held-out entries, uniform where the density is right, and a test of that.

    Args:
        log_prob: `(N,)` ln p of held-out entries.
        generated_log_prob: `(M,)` ln p of draws.

    >>> import numpy as np
    >>> from hepad.metrics import density_calibration
    >>> rng = np.random.default_rng(1)
    >>> right, wide = rng.normal(size=(2, 2000)), 2 * rng.normal(size=2000)
    >>> [density_calibration(-x**2, -right[0] ** 2).probability > 0.01 for x in (right[1], wide)]
    [True, False]
    """
    held, drawn = np.asarray(log_prob, np.float64), np.sort(np.asarray(generated_log_prob, np.float64))
    below, up_to = (np.searchsorted(drawn, held, side=side) for side in ("left", "right"))
    order = np.argsort(held, kind="stable")
    _, starts, counts = np.unique(held[order], return_index=True, return_counts=True)
    within = np.empty(len(held))
    within[order] = (np.arange(len(held)) - np.repeat(starts, counts) + 0.5) / np.repeat(counts, counts)
    p_values = (below + within * (up_to - below + 1)) / (1 + len(drawn))
    found = stats.ks_2samp(held, drawn, method="asymp")
    return Calibration(p_values, float(found.statistic), float(found.pvalue))


def correlation_matrix(x: ArrayLike) -> FloatArray:
    """Return the rank correlations `(F, F)` of the columns of `x` `(N, F)`; 0 for a constant column, 1 with itself."""
    ranks = stats.rankdata(np.asarray(x, np.float64), axis=0)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(length > 0, length, 1.0)
    found: FloatArray = unit.T @ unit
    np.fill_diagonal(found, 1.0)
    return found
