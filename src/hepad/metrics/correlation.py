"""Correlation of the score with an observable: Pearson, Spearman and distance correlation.

Each returns None where it is undefined (a constant column, fewer than three entries, NaN or infinite values): a
number that does not exist is left out, never written as NaN.
"""

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.distance_covariance import squared_distance_correlation
from hepad.metrics.placements import half_weights
from hepad.metrics.samples import FloatArray, as_column, as_weights, count_non_finite


def pearson(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float | None:
    """Pearson's linear correlation of two columns of shape (N,), in [−1, 1], or None where undefined.

    With weights (N,), means, variances and the covariance are weighted means.

    >>> from hepad.metrics import pearson
    >>> pearson([1, 2, 3, 4], [2, 4, 6, 8]), pearson([1, 2, 3], [5, 5, 5])
    (1.0, None)
    """
    usable = _usable(x, y, weight)
    if usable is None:
        return None
    *pair, w = usable
    a, b = (_standardised(column, w) for column in pair)
    return float(np.clip(_mean(a * b, w), -1, 1))


def spearman(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float | None:
    """Spearman's rank correlation of two columns of shape (N,), in [−1, 1], or None where undefined.

    Ties share their mean rank. Blind to any rising transformation of either column, so the right one for scores
    with a long tail. With weights (N,) it is that of entries repeated as often as they weigh.

    >>> from hepad.metrics import pearson, spearman
    >>> x, y = [1, 2, 3, 4], [1, 10, 100, 1000]
    >>> round(spearman(x, y), 2), round(pearson(x, y), 2)
    (1.0, 0.82)
    """
    usable = _usable(x, y, weight)
    if usable is None:
        return None
    a, b, w = usable
    return pearson(ranks(a, w), ranks(b, w), w)


def ranks(values: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Mean ranks (N,) of values (N,): with weights, of entries repeated as often, up to a constant."""
    if weight is None:
        # Imported here: nothing of it is needed before training.
        from scipy.stats import rankdata

        return np.asarray(rankdata(values), dtype=np.float64)
    return half_weights(values, values, weight) / 2


def distance_correlation(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> float | None:
    """Distance correlation of two columns of shape (N,), in [0, 1]: 0 only for independent columns.

    Székely, Rizzo and Bakirov, Annals of Statistics 35 (2007) 2769; of all entries, in a time of O(N log N). With
    weights (N,) every mean over entries, or over pairs of them, is weighted.

    >>> import numpy as np
    >>> from hepad.metrics import distance_correlation, pearson
    >>> x = np.linspace(-1, 1, 101)
    >>> round(distance_correlation(x, x**2), 2), round(abs(pearson(x, x**2)), 2)
    (0.49, 0.0)
    """
    usable = _usable(x, y, weight)
    if usable is None:
        return None
    *pair, w = usable
    a, b = (_standardised(column, w) for column in pair)
    share = np.full(a.size, 1 / a.size) if w is None else w / w.sum()
    squared = squared_distance_correlation(a, b, share)
    return None if squared is None else float(np.sqrt(squared))


def _usable(
    x: ArrayLike, y: ArrayLike, weight: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray | None] | None:
    """Both columns and the weights, without entries that count for nothing."""
    a, b = as_column(x, "first column"), as_column(y, "second column")
    if a.size != b.size:
        raise ValueError(f"columns of {a.size} and {b.size} entries cannot be correlated")
    w = as_weights(weight, a.size, "entries")
    if w is not None:
        a, b, w = a[w > 0], b[w > 0], w[w > 0]
    if a.size < 3 or count_non_finite(a) or count_non_finite(b):
        return None
    if a.min() == a.max() or b.min() == b.max():
        return None
    return a, b, w


def _mean(values: FloatArray, weight: FloatArray | None) -> float:
    return float(values.mean() if weight is None else np.dot(weight, values) / weight.sum())


def _standardised(values: FloatArray, weight: FloatArray | None) -> FloatArray:
    # Scaled first: squares of scores around 1e200 would overflow.
    scaled = values / np.abs(values).max()
    centred = scaled - _mean(scaled, weight)
    centred = centred / np.abs(centred).max()
    return np.asarray(centred / np.sqrt(_mean(centred**2, weight)), dtype=np.float64)
