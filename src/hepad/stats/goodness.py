"""Agreement of counts with what is expected: deviance, pulls, χ² over bins that hold enough."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from scipy.stats import chi2 as chi2_distribution

from hepad.stats.spectrum import FloatArray

MIN_EXPECTED: Final = 5.0
"""Events expected in a bin from which on a χ² is one; bins of less are joined."""


@dataclass(frozen=True)
class Goodness:
    """Goodness of a fit.

    Attributes:
        chi2: Σ (n − μ)²/μ over joined bins.
        ndf: joined bins less parameters.
        p_value: probability of a larger χ²; NaN without a degree of freedom.

    >>> from hepad.stats import Goodness
    >>> Goodness(12.0, 10, 0.285).ndf
    10
    """

    chi2: float
    ndf: int
    p_value: float


def deviance_terms(counts: ArrayLike, expected: ArrayLike) -> FloatArray:
    """Return 2(μ − n + n ln(n/μ)) for each bin: twice what a bin adds to −ln L above its least.

    Their sum is χ² for large counts: S. Baker, R. Cousins, Nuclear Instruments and Methods 221 (1984) 437.

    >>> from hepad.stats import deviance_terms
    >>> deviance_terms([12.0, 0.0], [10.0, 1.0]).round(3)
    array([0.376, 2.   ])
    """
    n, mu = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(2 * (mu - n + xlogy(n, n / mu)), 0.0))


def signed_pulls(counts: ArrayLike, expected: ArrayLike) -> FloatArray:
    """Return the pull of each bin, the root of its deviance with the sign of n − μ.

    For large counts this is (n − μ)/√μ; where a fraction of an event is expected it remains close to normal, so one
    event in an empty tail is no 10 σ.

    >>> from hepad.stats import signed_pulls
    >>> signed_pulls([1.0, 90.0], [0.01, 100.0]).round(2)
    array([ 2.69, -1.02])
    """
    n, mu = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return np.asarray(np.sign(n - mu) * np.sqrt(deviance_terms(n, mu)))


def join_bins(expected: ArrayLike, least: float = MIN_EXPECTED) -> NDArray[np.int64]:
    """Return which neighbouring bins to join so that each expects enough: the joined bin's number for each bin.

    >>> from hepad.stats.goodness import join_bins
    >>> join_bins([20.0, 4.0, 3.0, 2.0, 1.0])
    array([0, 1, 1, 1, 1])
    """
    place, held = 0, 0.0
    places = []
    for mu in np.asarray(expected, dtype=np.float64):
        if held >= least:
            place, held = place + 1, 0.0
        places.append(place)
        held += mu
    joined = np.array(places, dtype=np.int64)
    if held < least and place:
        joined[joined == place] = place - 1
    return joined


def goodness_of_fit(counts: ArrayLike, expected: ArrayLike, n_parameters: int) -> Goodness:
    """Return χ² over bins joined until each expects 5 events, its degrees of freedom and its p-value.

    >>> from hepad.stats import goodness_of_fit
    >>> found = goodness_of_fit([12.0, 8.0, 3.0, 2.0], [10.0, 10.0, 3.0, 2.0], 1)
    >>> round(found.chi2, 3), found.ndf, round(found.p_value, 3)
    (0.8, 2, 0.67)
    """
    n, mu = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    places = join_bins(mu)
    joined_n, joined_mu = np.bincount(places, weights=n), np.bincount(places, weights=mu)
    chi2, ndf = float((np.square(joined_n - joined_mu) / joined_mu).sum()), len(joined_n) - n_parameters
    return Goodness(chi2, ndf, float(chi2_distribution.sf(chi2, ndf)) if ndf > 0 else float("nan"))
