"""Wasserstein-1 distance of one observable, with an error from the Poisson bootstrap.

W₁ = ∫ |F(x) − G(x)| dx, F and G the cumulative distributions. It is never negative, so that two samples of one truth
have some too: hence the floor beside it (Kansal et al., arXiv:2106.11535, who give it for jets).
"""

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
    parts = [_thinned(real), _thinned(other)]
    values = np.concatenate([part.values for part in parts])
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    entries = [
        np.arange(len(w)) if part.entry is None else part.entry
        for part, w in zip(parts, (real_weights, other_weights), strict=True)
    ]

    def distance(drawn: tuple[FloatArray, FloatArray]) -> float:
        signed = np.concatenate([_shares(drawn[0], entries[0]), -_shares(drawn[1], entries[1])])
        return float(np.abs(signed[order].cumsum()[:-1]) @ gaps)

    again = [
        distance((real_weights * rng.poisson(1, len(real_weights)), other_weights * rng.poisson(1, len(other_weights))))
        for _ in range(bootstraps)
    ]
    spread = real.values if real.entry is None else parts[0].values
    return Wasserstein(distance((real_weights, other_weights)), float(np.std(again, ddof=1)), float(np.std(spread)))


def _shares(weights: FloatArray, entry: NDArray[np.int64]) -> FloatArray:
    chosen = weights[entry]
    shares: FloatArray = chosen / chosen.sum()
    return shares


def _thinned(observable: Observable) -> Observable:
    """Return every k-th entry of an observable of more values than are needed; its weights stay where they are."""
    if observable.entry is None or len(observable.values) <= _MOST:
        return observable
    step = int(np.ceil(len(observable.values) / _MOST))
    kept = observable.entry % step == 0
    return Observable(observable.values[kept], observable.entry[kept])
