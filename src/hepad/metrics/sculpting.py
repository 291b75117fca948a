"""Sculpting: what cuts on the score do to the spectrum of an observable of the background."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import rel_entr

from hepad.metrics.samples import FloatArray, as_column, as_scores, as_weights
from hepad.metrics.working_points import MIN_ENTRIES

EFFICIENCIES: Final = (0.5, 0.1, 0.01, 0.001)
"""Shares of the background that pass a cut."""

_BINS: Final = 20
_RANDOM_CUTS: Final = 100


@dataclass(frozen=True, eq=False)
class Sculpting:
    """Spectrum of an observable below and above cuts on the score.

    Attributes:
        passing: share of the background that passes → `(N,)` which entries do; shares that too few would pass left out.
        divergence: share → Jensen-Shannon divergence, 0 to 1, of the spectra of entries that pass and that fail.
        floor: share → mean of that divergence, and what 95% of cuts stay below, for cuts made at random.

    >>> import numpy as np
    >>> from hepad.metrics import score_sculpting
    >>> found = score_sculpting(np.arange(100.0), np.arange(100.0), efficiencies=[0.5])
    >>> int(found.passing[0.5].sum()), round(found.divergence[0.5], 6)
    (50, 1.0)
    """

    passing: Mapping[float, NDArray[np.bool_]]
    divergence: Mapping[float, float]
    floor: Mapping[float, tuple[float, float]]


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Return the Jensen-Shannon divergence of two histograms, in bits: 0 for equal shapes, 1 for disjoint ones.

    JSD(P, Q) = ½ KL(P ‖ M) + ½ KL(Q ‖ M) with M = ½(P + Q): J. Lin, IEEE Transactions on Information Theory 37 (1991)
    145.

    Args:
        p: `(K,)` contents of bins, from 0.
        q: `(K,)` contents of the same bins.

    Raises:
        ValueError: one of them is empty.

    >>> from hepad.metrics import jensen_shannon
    >>> jensen_shannon([1, 1, 0, 0], [0, 0, 3, 3]), jensen_shannon([1, 2], [2, 4])
    (1.0, 0.0)
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (p, q))
    if not one.sum() > 0 or not other.sum() > 0:
        raise ValueError("a histogram without entries has no shape to compare")
    one, other = one / one.sum(), other / other.sum()
    middle = (one + other) / 2
    divergence = (rel_entr(one, middle).sum() + rel_entr(other, middle).sum()) / (2 * np.log(2))
    return float(np.clip(divergence, 0, 1))


def score_sculpting(
    score: ArrayLike,
    values: ArrayLike,
    weight: ArrayLike | None = None,
    efficiencies: Sequence[float] = EFFICIENCIES,
) -> Sculpting:
    """Return what cuts on the score of background entries do to the spectrum of an observable.

    The divergence is taken over 20 bins that hold equally many entries, so that it depends on the order of the values
    alone. Few entries never have quite the spectrum of many: the floor is that of 100 random selections of as many.
    It is the figure of merit of G. Kasieczka et al., arXiv:2007.14400, and G. Kasieczka, D. Shih, arXiv:2001.05310.

    Args:
        score: `(N,)`.
        values: `(N,)` the observable; entries without a finite one are left out.
        weight: `(N,)` weights of entries.
        efficiencies: shares of the background that are to pass; those that leave fewer than 10 entries on either side
            are left out.

    Raises:
        ValueError: lengths differ.

    >>> import numpy as np
    >>> from hepad.metrics import score_sculpting
    >>> rng = np.random.default_rng(0)
    >>> mass, other = rng.exponential(1, (2, 5000))
    >>> found = score_sculpting(mass + 0.1 * other, mass)
    >>> found.divergence[0.01] > 0.5, found.divergence[0.01] > found.floor[0.01][1]
    (True, True)
    >>> blind = score_sculpting(other, mass)
    >>> blind.divergence[0.1] < 1.5 * blind.floor[0.1][1]
    True
    """
    s, v = as_scores(score), as_column(values, "values of the observable")
    if s.size != v.size:
        raise ValueError(f"{v.size} values of the observable for {s.size} scores")
    w = as_weights(weight, s.size, "entries")
    w = np.ones_like(s) if w is None else w / w.mean()
    finite = np.isfinite(v)
    bins = _equal_bins(v, finite)
    order = np.argsort(s[finite], kind="stable")[::-1]
    reached = w[finite][order].cumsum()
    rng = np.random.default_rng(0)
    passing, divergence, floor = {}, {}, {}
    for efficiency in efficiencies:
        n_passing = int(np.searchsorted(reached, efficiency * reached[-1], side="right")) if order.size else 0
        if min(n_passing, order.size - n_passing) < MIN_ENTRIES:
            continue
        passes = np.zeros(order.size, dtype=bool)
        passes[order[:n_passing]] = True
        passing[efficiency] = np.zeros(s.size, dtype=bool)
        passing[efficiency][finite] = passes
        divergence[efficiency] = _divergence(bins, w[finite], passes)
        blind = [_divergence(bins, w[finite], rng.permutation(passes)) for _ in range(_RANDOM_CUTS)]
        floor[efficiency] = (float(np.mean(blind)), float(np.quantile(blind, 0.95)))
    return Sculpting(passing, divergence, floor)


def _equal_bins(values: FloatArray, finite: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the bin of each finite value."""
    known = values[finite]
    if not known.size:
        return np.empty(0, dtype=np.int64)
    inner = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.searchsorted(inner, known, side="right")


def _divergence(bins: NDArray[np.int64], weight: FloatArray, passes: NDArray[np.bool_]) -> float:
    return jensen_shannon(*(np.bincount(bins[side], weight[side], _BINS) for side in (passes, ~passes)))
