"""AUC against the length of a latent search, to choose it by."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.roc import auc


def areas_by_step(traces: Mapping[str, ArrayLike], reference: str) -> dict[str, NDArray[np.float64]]:
    """Return signal → `(k + 1,)` AUC of the mean over restarts of the loss after 0, 1, … k steps.

    Args:
        traces: sample → `(N, n_seed, k + 1)` losses; NaN where a restart was never finite.
        reference: the background.
    """
    means = {name: _finite(np.nanmean(_array(trace), axis=1)) for name, trace in traces.items()}
    return {
        name: np.array([auc(means[reference][:, step], means[name][:, step]) for step in range(means[name].shape[1])])
        for name in traces
        if name != reference
    }


def areas_by_restarts(
    traces: Mapping[str, ArrayLike], reference: str, reduction: str
) -> dict[str, NDArray[np.float64]]:
    """Return signal → `(n_seed,)` AUC of the mean, or minimum, of the last losses of the first 1, 2, … restarts."""
    reduce: Callable[..., NDArray[np.float64]] = np.nanmin if reduction == "min" else np.nanmean
    last = {name: _array(trace)[..., -1] for name, trace in traces.items()}
    scores = {
        name: _finite(np.stack([reduce(losses[:, :n], axis=1) for n in range(1, losses.shape[1] + 1)], axis=1))
        for name, losses in last.items()
    }
    return {
        name: np.array([auc(scores[reference][:, n], scores[name][:, n]) for n in range(scores[name].shape[1])])
        for name in traces
        if name != reference
    }


def _array(trace: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(trace, dtype=np.float64)


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out entries that have no finite score at any of the numbers of steps or restarts."""
    return scores[np.isfinite(scores).all(axis=1)]
