"""Trivial scores fitted to the training entries: distance to the mean, Mahalanobis distance, isolation forest."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hepad.data.event_weights import mean_and_scale

MAX_FEATURES: Final = 2048
"""Numbers per entry up to which a covariance matrix is made: 1600 pixels take 2 s, 4096 would take half a minute."""

_MIN_ENTRIES: Final = 10
_SMALLEST: Final = 1e-6
_CHUNK: Final = 4096
_TREES: Final = 100
_SEED: Final = 0


class DistanceToMean:
    """Squared distance ‖x − mean‖² of vectors to the mean training entry, in units of the spread of each feature.

    Args:
        x: `(N, F)` training entries.
        weight: `(N,)` their weights; None for equal ones.

    >>> import torch
    >>> from hepad.data.trivial_scores import DistanceToMean
    >>> DistanceToMean(torch.tensor([[0.0], [2.0]]))(torch.tensor([[1.0], [3.0]]))
    array([0., 2.])
    """

    def __init__(self, x: Tensor, weight: Tensor | None = None) -> None:
        self._mean, self._scale = mean_and_scale(x.double(), weight)

    def __call__(self, x: Tensor) -> NDArray[np.float64]:
        """Return `(N,)` squared distances of `(N, F)` entries."""
        distance: NDArray[np.float64] = ((x.double() - self._mean) / self._scale).square().sum(dim=1).numpy()
        return distance


class MahalanobisDistance:
    """Squared Mahalanobis distance (x − μ)ᵀ Σ⁻¹ (x − μ) to the mean of the training entries.

    Features are scaled to unit variance first. Directions in which the training entries do not vary (eigenvalues below
    1e-6 of the largest: constant features, empty slots, features that follow from others) are left out: Σ⁻¹ is a
    pseudo-inverse.

    Args:
        x: `(N, F)` training entries, finite.
    """

    def __init__(self, x: NDArray[Any]) -> None:
        z = np.asarray(x, dtype=np.float64)
        self._mean = z.mean(axis=0)
        spread = z.std(axis=0)
        # What rounding leaves of a constant is no spread.
        varies = spread > 1e-12 * np.maximum(np.abs(self._mean), np.finfo(np.float64).tiny)
        inverse = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
        scaled = (z - self._mean) * inverse
        values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
        kept = values > _SMALLEST * max(values[-1], 0.0)
        self._whiten = inverse[:, None] * vectors[:, kept] / np.sqrt(values[kept])

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(N,)` squared distances of `(N, F)` entries."""
        parts = [
            np.square((np.asarray(x[i : i + _CHUNK], dtype=np.float64) - self._mean) @ self._whiten).sum(axis=1)
            for i in range(0, len(x), _CHUNK)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)


class IsolationForestScore:
    """Isolation of an entry by few random cuts (Liu, Ting and Zhou, ICDM 2008), scikit-learn's with a fixed seed.

    100 trees of 256 training entries each, whatever their number, so that fitting is bounded: 0.15 s, and 4 µs for each
    entry that is scored, on one core.

    Args:
        x: `(N, F)` training entries, finite.
    """

    def __init__(self, x: NDArray[Any]) -> None:
        # Imported here: nothing of it is needed before training.
        from sklearn.ensemble import IsolationForest

        self._forest = IsolationForest(n_estimators=_TREES, random_state=_SEED).fit(x)

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return `(N,)` scores of `(N, F)` entries; higher is more anomalous."""
        return -np.asarray(self._forest.score_samples(x), dtype=np.float64)


FittedScore = MahalanobisDistance | IsolationForestScore


def fit_trivial_scores(x: NDArray[Any]) -> dict[str, FittedScore]:
    """Fit the trivial scores that are defined for training entries `(N, …)`: name → function of entries `(N, F)`.

    A Mahalanobis distance needs at least ten entries and at most `MAX_FEATURES` numbers in each; an isolation forest
    cuts the features of vectors.
    """
    flat = x.reshape(len(x), -1)
    if len(flat) < _MIN_ENTRIES:
        return {}
    found: dict[str, FittedScore] = {}
    if flat.shape[1] <= MAX_FEATURES:
        found["mahalanobis"] = MahalanobisDistance(flat)
    if x.ndim == 2:
        found["isolation_forest"] = IsolationForestScore(flat)
    return found
