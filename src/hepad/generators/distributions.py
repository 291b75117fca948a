"""Distributions of observables, of generated entries against real ones: separation power, χ² and its p-value.

Separation power is ½ Σ (h − g)² / (h + g) of two histograms that each sum to one: 0 for equal ones, 1 for ones without
overlap (CaloChallenge, Krause et al., arXiv:2410.21611). Of two samples of one truth it is not 0 but, with B bins,
about (B − 1) (1/N + 1/M) / 4: hence the floor beside it.

The test bins by quantiles of both samples together, so that each bin holds enough, and compares the shares by
dᵀ C⁺ d, d their difference. C is the covariance of shares of weighted entries, Σ w² (c − n p)(c − n p)ᵀ / (Σ w n)², c
the counts of one entry in each bin and n their sum, p the shares of both samples together: values of one entry may
depend on each other, and weights be of any size. Unweighted and with one value an entry it is the χ² of a 2 × B table.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from hepad.generators.population import Observable, Population, TooFewEntries
from hepad.metrics.samples import FloatArray

_BINS: Final = 40
_TEST_BINS: Final = 20
_PER_BIN: Final = 25
_TAIL: Final = 1e-3
_DISCRETE: Final = 40
MIN_ENTRIES: Final = 100
"""Effective entries on either side below which no distribution is compared."""


@dataclass(frozen=True, eq=False)
class ShapeTest:
    """A comparison of two distributions.

    Attributes:
        separation: ½ Σ (h − g)² / (h + g).
        chi2, ndf: of the test.
        p_value: of a χ² at least as large if both were of one truth.

    >>> from hepad.generators.distributions import ShapeTest
    >>> ShapeTest(0.01, 30.0, 15, 0.012).chi2_per_ndf
    2.0
    """

    separation: float
    chi2: float
    ndf: int
    p_value: float

    @property
    def chi2_per_ndf(self) -> float:
        """χ² per degree of freedom; 1 is expected."""
        return self.chi2 / self.ndf if self.ndf else 0.0


def separation_power(h: FloatArray, g: FloatArray) -> float:
    """Return ½ Σ (h − g)² / (h + g) of two histograms `(B,)`, each brought to the sum 1; bins empty in both count 0.

    Raises:
        ValueError: a histogram without entries.

    >>> import numpy as np
    >>> from hepad.generators import separation_power
    >>> separation_power(np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 5.0]))
    1.0
    >>> separation_power(np.array([1.0, 3.0]), np.array([2.0, 6.0]))
    0.0
    """
    if not h.sum() > 0 or not g.sum() > 0:
        raise ValueError("a histogram without entries has no shape")
    p, q = h / h.sum(), g / g.sum()
    total = p + q
    return float(0.5 * np.divide((p - q) ** 2, total, out=np.zeros_like(total), where=total > 0).sum())


def shown_edges(values: FloatArray) -> tuple[FloatArray, bool]:
    """Return edges `(B + 1,)` of bins that show values, and whether they are logarithmic; what lies beyond is outside.

    Whole numbers of few values have a bin each; what spans more than three decades above zero has logarithmic bins.
    """
    low, high = (float(edge) for edge in np.quantile(values, [_TAIL, 1 - _TAIL]))
    different = np.unique(values[:10_000])
    if (np.mod(different, 1) == 0).all() and high - low < _DISCRETE:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1, 1.0), False
    if not high > low:
        reach = max(abs(low), 1.0) * 0.5
        return np.linspace(low - reach, low + reach, 4), False
    if low > 0 and high > 300 * low:
        return np.geomspace(low, high, _BINS + 1), True
    return np.linspace(low, high, _BINS + 1), False


def bin_counts(observable: Observable, n: int, edges: FloatArray) -> FloatArray:
    """Return how many values of each of `n` entries lie in each bin, `(n, B + 2)`; the outermost two are beyond."""
    width = len(edges) + 1
    place = np.searchsorted(edges, observable.values, side="right")
    entry = np.arange(n) if observable.entry is None else observable.entry
    return np.bincount(entry * width + place, minlength=n * width).reshape(n, width).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Histogram:
    """Shares of the values of one sample by bin.

    Attributes:
        shares: `(B + 2,)` of the sum of weights; the first and the last lie beyond the edges.
        errors: `(B + 2,)` their standard errors, with what values of one entry have to do with each other.
    """

    shares: FloatArray
    errors: FloatArray


def histogram(observable: Observable, weights: FloatArray, edges: FloatArray) -> Histogram:
    """Return the shares of an observable, of entries with weights `(N,)`, and their errors."""
    counts = bin_counts(observable, len(weights), edges)
    total = float(weights @ counts.sum(axis=1))
    if not total > 0:
        raise TooFewEntries("no entry has a value of this observable")
    shares = weights @ counts / total
    residual = weights[:, None] * (counts - counts.sum(axis=1, keepdims=True) * shares) / total
    return Histogram(shares, np.sqrt(np.square(residual).sum(axis=0)))


def compare_shapes(name: str, real: Population, other: Population, edges: FloatArray) -> ShapeTest:
    """Compare the distributions of one observable in two samples.

    Args:
        name: of the observable.
        real, other: the samples.
        edges: of the bins in which separation power is taken, which have one more on either side.

    Raises:
        TooFewEntries: fewer than 100 effective entries, or none with a value, on one side.
    """
    if min(real.effective, other.effective) < MIN_ENTRIES:
        least = min(real.effective, other.effective)
        raise TooFewEntries(f"distributions need {MIN_ENTRIES} entries on each side; there are {least:.0f}")
    pair = (real, other)
    shares = [histogram(found.observables[name], found.weights, edges).shares for found in pair]
    chi2, ndf = _shape_chi2([found.observables[name] for found in pair], [found.weights for found in pair])
    p_value = float(stats.chi2.sf(chi2, ndf)) if ndf else 1.0
    return ShapeTest(separation_power(*shares), chi2, ndf, p_value)


def _shape_chi2(observables: list[Observable], weights: list[FloatArray]) -> tuple[float, int]:
    values = np.concatenate([observable.values for observable in observables])
    n_bins = int(np.clip(min(len(w) for w in weights) // _PER_BIN, 2, _TEST_BINS))
    inner = np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1])
    inner = _merged(np.unique(inner), values)
    if not len(inner):
        return 0.0, 0
    counts = [bin_counts(found, len(w), inner) for found, w in zip(observables, weights, strict=True)]
    totals = [float(w @ c.sum(axis=1)) for w, c in zip(weights, counts, strict=True)]
    shares = [w @ c / total for w, c, total in zip(weights, counts, totals, strict=True)]
    # The share of both together, by what each is worth, as in a table of two rows.
    worth = np.array([float(w.sum()) ** 2 / float(np.square(w).sum()) for w in weights])
    common = (worth[0] * shares[0] + worth[1] * shares[1]) / worth.sum()
    covariance = np.zeros((len(common), len(common)))
    for w, c, total in zip(weights, counts, totals, strict=True):
        residual = w[:, None] * (c - c.sum(axis=1, keepdims=True) * common) / total
        residual -= residual.mean(axis=0)
        covariance += residual.T @ residual
    # The last share follows from the others.
    d = (shares[0] - shares[1])[:-1]
    return float(d @ np.linalg.pinv(covariance[:-1, :-1], hermitian=True) @ d), len(d)


def _merged(inner: FloatArray, values: FloatArray) -> FloatArray:
    """Leave out edges such that each bin holds enough values of both samples together."""
    ordered, kept, last = np.sort(values), [], 0
    for edge in inner:
        place = int(np.searchsorted(ordered, edge, side="left"))
        if place - last >= 2 * _PER_BIN and len(values) - place >= 2 * _PER_BIN:
            kept.append(float(edge))
            last = place
    return np.array(kept)
