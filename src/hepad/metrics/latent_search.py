"""AUC against the length of a latent search, to choose it by."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.roc import auc


def areas_by_step(traces: Mapping[str, ArrayLike], reference: str, reduction: str) -> dict[str, NDArray[np.float64]]:
    """Return signal → `(k + 1,)` AUC of the mean, or minimum, over restarts of the loss after 0, 1, … k steps.

    Args:
        traces: sample → `(N, n_seed, k + 1)` losses; NaN for restarts that do not count.
        reference: the background.
        reduction: `mean` or `min`.
    """
    means = {name: _finite(_reduced(_array(trace), reduction)) for name, trace in traces.items()}
    return {
        name: np.array([auc(means[reference][:, step], means[name][:, step]) for step in range(means[name].shape[1])])
        for name in traces
        if name != reference
    }


def areas_by_restarts(
    traces: Mapping[str, ArrayLike], reference: str, reduction: str
) -> dict[str, NDArray[np.float64]]:
    """Return signal → `(n_seed,)` AUC of the mean, or minimum, of the last losses of the first 1, 2, … restarts."""
    last = {name: _array(trace)[..., -1] for name, trace in traces.items()}
    scores = {
        name: _finite(np.stack([_reduced(losses[:, :n], reduction) for n in range(1, losses.shape[1] + 1)], axis=1))
        for name, losses in last.items()
    }
    return {
        name: np.array([auc(scores[reference][:, n], scores[name][:, n]) for n in range(scores[name].shape[1])])
        for name in traces
        if name != reference
    }


def _reduced(losses: NDArray[np.float64], reduction: str) -> NDArray[np.float64]:
    """Return the mean or minimum over the second axis of what is not NaN; NaN where nothing is."""
    counted = ~np.isnan(losses)
    if reduction == "min":
        return np.where(counted.any(axis=1), np.where(counted, losses, np.inf).min(axis=1), np.nan)
    total = np.where(counted, losses, 0).sum(axis=1)
    return np.where(counted.any(axis=1), total / np.maximum(counted.sum(axis=1), 1), np.nan)


def _array(trace: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(trace, dtype=np.float64)


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out entries that have no finite score at any of the numbers of steps or restarts."""
    return scores[np.isfinite(scores).all(axis=1)]
