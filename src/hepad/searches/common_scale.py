"""The scale on which scores of all folds compare: how much of the background that a fold tests is beyond a score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_TAIL: Final = 0.05
"""Share of the reference whose scores say how fast its tail falls."""


@dataclass(frozen=True)
class FoldScores:
    """Scores of one sample, each by the model of one fold.

    Attributes:
        row: `(N,)` of the sample.
        fold: `(N,)` whose model gave the score.
        score: `(N,)`.
    """

    row: NDArray[np.int64]
    fold: NDArray[np.int64]
    score: NDArray[np.float64]

    def of_rows(self, n: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of these entries in the order of all `n` rows of the sample; NaN for rows without a score."""
        found = np.full(n, np.nan)
        found[self.row] = values
        return found


def background_shares(scores: FoldScores, references: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return for each score which share of its fold's reference is beyond it, `(N,)` above 0 and at most 1.

    A cut at ε on it is the cut at the quantile 1 − ε of the reference in each fold. Beyond the last entry of the
    reference, where nothing is left to count, the share falls like an exponential that its last entries give, so that
    scores still have an order.

    Args:
        scores: of a sample.
        references: fold → scores of the background that its model has not seen.

    Raises:
        ValueError: a fold without a reference.

    >>> import numpy as np
    >>> from hepad.searches.common_scale import FoldScores, background_shares
    >>> scores = FoldScores(np.arange(3), np.array([0, 0, 1]), np.array([0.5, 9.0, 90.5]))
    >>> background_shares(scores, {0: np.arange(10.0), 1: np.arange(100.0)}).round(2)
    array([0.9 , 0.1 , 0.09])
    """
    found = np.ones(len(scores.score))
    for fold in np.unique(scores.fold):
        reference = np.sort(references[int(fold)])
        if not len(reference):
            raise ValueError(f"fold {fold} has no reference")
        here = scores.fold == fold
        found[here] = _shares(scores.score[here], reference)
    return found


def _shares(score: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    n = len(reference)
    # Entries at a score are beyond it, as a cut keeps what is equal to it.
    beyond = n - np.searchsorted(reference, score, side="left")
    last = reference[-max(2, round(_TAIL * n)) :]
    scale = max(float(np.mean(last - last[0])), 1e-12)
    tail = np.exp(-np.maximum(score - reference[-1], 0) / scale) / (n + 1)
    shares: NDArray[np.float64] = np.where(beyond > 0, beyond / n, tail)
    return np.maximum(shares, np.finfo(np.float64).tiny)
