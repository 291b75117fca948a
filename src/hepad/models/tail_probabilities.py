"""ECOD and COPOD of entries one by one, all at once: how far an entry lies in the tails of each column."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TAILS: Final = ("ECOD", "COPOD")

_ROWS: Final = 4096


def tail_scores(train: NDArray[np.float64], x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return the scores `(M,)` that pyod gives each of M entries alone, beside the N it is fitted to.

    pyod takes tail probabilities and skewness of the fitted entries and of those in the batch together, so that a score
    depends on the batch. For a batch of one they are, column by column,

        l = −ln (1 + #{t ≤ x}) / (N + 1),  r = −ln (1 + #{t ≥ x}) / (N + 1),

    and the score is Σ max(l, r) for ECOD (Li et al., arXiv:2201.00382; its third term, l or r by the sign of the
    skewness, or both where that is 0, is at most l + r), Σ max(l or r, (l + r) / 2) for COPOD (Li et al.,
    arXiv:2009.09463).

    Args:
        train: `(N, F)` entries that it is fitted to.
        x: `(M, F)` entries.
        name: `ECOD` or `COPOD`.

    >>> import numpy as np
    >>> from hepad.models.tail_probabilities import tail_scores
    >>> train = np.arange(99.0)[:, None] ** 2
    >>> tail_scores(train, np.array([[49.0**2], [-5.0]]), "ECOD").round(3).tolist()
    [0.673, 4.605]
    """
    ordered = np.sort(train, axis=0)
    return np.concatenate([_scores(ordered, x[i : i + _ROWS], name) for i in range(0, max(1, len(x)), _ROWS)])


def _scores(ordered: NDArray[np.float64], x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    n, score = len(ordered), np.zeros(len(x))
    for column, values in zip(ordered.T, x.T, strict=True):
        left = -np.log((1 + np.searchsorted(column, values, side="right")) / (n + 1))
        right = -np.log((1 + n - np.searchsorted(column, values, side="left")) / (n + 1))
        skew = _skewness_sign(column, values)
        skewed = np.where(skew <= 0, left, 0.0) + np.where(skew >= 0, right, 0.0)
        other = np.maximum(left, right) if name == "ECOD" else (left + right) / 2
        score += np.maximum(skewed, other)
    return score


def _skewness_sign(column: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sign of the third moment of a column and one value more, for each of the values."""
    n = len(column) + 1
    mean = column.mean()
    centered, more = column - mean, values - mean
    # About the mean of all, which lies by `shift` from that of the column.
    shift = more / n
    second, third = (centered**2).sum() + more**2, (centered**3).sum() + more**3
    moment = third - 3 * shift * second + 3 * shift**2 * (n * shift) - n * shift**3
    # pyod calls the skewness of a constant column 0.
    sign: NDArray[np.float64] = np.where((centered == 0).all() & (more == 0), 0.0, np.sign(moment))
    return sign
