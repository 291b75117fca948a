"""Significance of counts over an expectation: what remains of a spectrum in units of a normal deviation."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from scipy.stats import nbinom, norm, poisson

_SMALLEST: Final = 1e-300


def count_significance(counts: ArrayLike, expected: ArrayLike, errors: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Signed significance z of Poisson counts n where b ± σ are expected.

    The p-value is that of as many entries or more for an excess, of as few or fewer for a deficit, turned into the z of
    a normal distribution; 0 where that is below, for a count as usual as can be. An uncertain b is a gamma distribution
    of mean b and variance σ², which makes n negative binomial. (n − b)/√b, of which this is the limit for large b, has
    7 for one entry where 0.02 are expected, which happens in 2% of all bins. Where p is below what a float holds,
    z is the asymptotic one of a likelihood ratio (the same with an uncertain b, as T. Li and Y. Ma have it for counts
    on and off a source).

    Source: G. Choudalakis, D. Casadei, European Physical Journal Plus 127 (2012) 25, arXiv:1111.2062; the asymptotic
    formula: G. Cowan et al., European Physical Journal C 71 (2011) 1554, arXiv:1007.1727, equation 97, and
    T.-P. Li, Y.-Q. Ma, Astrophysical Journal 272 (1983) 317, equation 17.

    Args:
        counts: n, (B,), whole numbers of at least 0.
        expected: b, (B,), in entries.
        errors: σ of b, (B,) or one number, in entries.

    Returns:
        z, (B,); 0 where b is 0 and n too, infinite where b is 0 and n is not: it cannot happen.

    >>> from hepad.metrics import count_significance
    >>> count_significance([1, 130, 70, 100], [0.02, 100, 100, 100]).round(2).tolist()
    [2.06, 2.84, -3.1, 0.0]
    """
    n, b, sigma = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in (counts, expected, errors)))
    z = np.full(n.shape, np.inf)
    known = b > 0
    z[~known & (n == 0)] = 0.0
    n, b, sigma = n[known], b[known], sigma[known]
    excess = n > b
    # A negative binomial of a relative error below a millionth is a Poisson distribution, but for rounding.
    blurred = sigma > 1e-6 * b
    p = np.where(excess, poisson.sf(n - 1, b), poisson.cdf(n, b))
    shape = np.square(b[blurred] / sigma[blurred])
    chance = shape / (shape + b[blurred])
    p[blurred] = np.where(
        excess[blurred], nbinom.sf(n[blurred] - 1, shape, chance), nbinom.cdf(n[blurred], shape, chance)
    )
    found = np.maximum(norm.isf(np.clip(p, _SMALLEST, 1.0)), 0.0)
    found = np.where(p > _SMALLEST, found, _asymptotic(n, b, sigma, blurred))
    z[known] = np.where(excess, found, 0.0 - found)
    return z


def _asymptotic(
    n: NDArray[np.float64], b: NDArray[np.float64], sigma: NDArray[np.float64], blurred: NDArray[np.bool_]
) -> NDArray[np.float64]:
    likelihood = xlogy(n, n / b) - (n - b)
    n, b, variance = n[blurred], b[blurred], np.square(sigma[blurred])
    likelihood[blurred] = xlogy(n, n * (b + variance) / (b**2 + n * variance)) - b**2 / variance * np.log1p(
        variance * (n - b) / (b * (b + variance))
    )
    z: NDArray[np.float64] = np.sqrt(np.maximum(2 * likelihood, 0.0))
    return z
