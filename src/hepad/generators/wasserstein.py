"""Wasserstein-1 distance of one observable, with an error from the Poisson bootstrap.

W₁ = ∫ |F(x) − G(x)| dx, F and G the cumulative distributions. It is never negative, so that two samples of one truth
have some too: hence the floor beside it (Kansal et al., arXiv:2106.11535, who give it for jets).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.generators.population import Observable
from hepad.metrics.samples import FloatArray

_BOOTSTRAPS: Final = 40
_MOST: Final = 50_000


@dataclass(frozen=True)
class Wasserstein:
    """A Wasserstein-1 distance.

    Attributes:
        value: in units of the observable.
        error: standard error.
        scale: standard deviation of the real values, by which distances of different observables compare.
    """

    value: float
    error: float
    scale: float


def wasserstein(
    real: Observable,
    other: Observable,
    real_weights: FloatArray,
    other_weights: FloatArray,
    bootstraps: int = _BOOTSTRAPS,
    seed: int = 0,
) -> Wasserstein:
    """Return the distance of two sets of weighted entries, with the spread of it when entries are drawn again.

    Entries, not values, are drawn again: those of one entry belong together.

    Args:
        real, other: values.
        real_weights, other_weights: `(N,)` weights of the entries.
        bootstraps: how often entries are drawn again.
        seed: of the draws.

    >>> import numpy as np
    >>> from hepad.generators import Observable, wasserstein
    >>> x = np.random.default_rng(0).normal(size=2000)
    >>> found = wasserstein(Observable(x), Observable(x + 0.5), np.ones(2000), np.ones(2000))
    >>> round(found.value, 3), 0.02 < found.error < 0.05
    (0.5, True)
    """
    rng = np.random.default_rng(seed)
    weights = real_weights, other_weights
    value = _distance([real, other])(weights)
    # Drawn again are fewer where there are many values, whose error is larger by as much as there are fewer of them.
    parts, share = _thinned([real, other])
    distance = _distance(parts)
    again = [distance(tuple(w * rng.poisson(1, len(w)) for w in weights)) for _ in range(bootstraps)]
    return Wasserstein(value, float(np.std(again, ddof=1) * np.sqrt(share)), float(np.std(real.values)))


def _distance(parts: Sequence[Observable]) -> Callable[[Sequence[FloatArray]], float]:
    """Return the distance of two observables as a function of the weights `(N,)` of the entries of each."""
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])

    def distance(weights: Sequence[FloatArray]) -> float:
        one, two = (
            _shares(w, np.arange(len(w)) if part.entry is None else part.entry)
            for part, w in zip(parts, weights, strict=True)
        )
        return float(np.abs(np.concatenate([one, -two])[order].cumsum()[:-1]) @ gaps)

    return distance


def _shares(weights: FloatArray, entry: NDArray[np.int64]) -> FloatArray:
    chosen = weights[entry]
    shares: FloatArray = chosen / chosen.sum()
    return shares


def _thinned(observables: Sequence[Observable]) -> tuple[list[Observable], float]:
    """Return every k-th entry of observables of more values than are needed, weights where they are, and 1 / k.

    Both are thinned alike, so that the error of their distance is √k times that of all.
    """
    step = max(
        1 if observable.entry is None else math.ceil(len(observable.values) / _MOST) for observable in observables
    )
    if step == 1 or any(observable.entry is None for observable in observables):
        return list(observables), 1.0
    kept = [np.asarray(observable.entry) % step == 0 for observable in observables]
    return [
        Observable(observable.values[rows], np.asarray(observable.entry)[rows])
        for observable, rows in zip(observables, kept, strict=True)
    ], 1 / step
