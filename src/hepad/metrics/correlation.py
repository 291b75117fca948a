"""How the score goes along with an observable: Pearson, Spearman and distance correlation.

Each returns None where it is undefined (a constant column, fewer than three entries, NaN or infinite values): a
number that does not exist is left out, never written as NaN.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial import distance

from hepad.metrics.arrays import FloatArray, as_column, count_non_finite


def pearson(x: ArrayLike, y: ArrayLike) -> float | None:
    """Pearson's linear correlation of two columns of shape (N,), in [−1, 1], or None where undefined."""
    pair = _usable(x, y)
    if pair is None:
        return None
    a, b = (_standardised(column) for column in pair)
    return float(np.clip(np.mean(a * b), -1, 1))


def spearman(x: ArrayLike, y: ArrayLike) -> float | None:
    """Spearman's rank correlation of two columns of shape (N,), in [−1, 1], or None where undefined.

    Ties share their mean rank. Blind to any rising transformation of either column, so the right one for scores
    with a long tail.
    """
    pair = _usable(x, y)
    if pair is None:
        return None
    return pearson(*(stats.rankdata(column) for column in pair))


def distance_correlation(x: ArrayLike, y: ArrayLike, max_entries: int = 1000, seed: int = 0) -> float | None:
    """Distance correlation of two columns of shape (N,), in [0, 1]: 0 only for independent columns.

    Székely, Rizzo and Bakirov, Annals of Statistics 35 (2007) 2769. It needs all N² distances, so above
    `max_entries` it is taken on a random subsample; the same `seed` chooses the same entries.

    Args:
        x: (N,) first column.
        y: (N,) second column.
        max_entries: the largest number of entries used.
        seed: chooses the subsample.
    """
    pair = _usable(x, y)
    if pair is None:
        return None
    a, b = pair
    if a.size > max_entries:
        chosen = np.random.default_rng(seed).choice(a.size, max_entries, replace=False)
        a, b = a[chosen], b[chosen]
    if a.min() == a.max() or b.min() == b.max():
        return None
    da, db = _centred_distances(_standardised(a)), _centred_distances(_standardised(b))
    covariance = np.vdot(da, db)
    return float(np.sqrt(max(covariance, 0.0) / np.sqrt(np.vdot(da, da) * np.vdot(db, db))))


def _usable(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray] | None:
    a, b = as_column(x, "first column"), as_column(y, "second column")
    if a.size != b.size:
        raise ValueError(f"columns of {a.size} and {b.size} entries cannot be correlated")
    if a.size < 3 or count_non_finite(a) or count_non_finite(b):
        return None
    if a.min() == a.max() or b.min() == b.max():
        return None
    return a, b


def _standardised(values: FloatArray) -> FloatArray:
    # Scaled first: squares of scores around 1e200 would overflow.
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    centred = centred / np.abs(centred).max()
    return np.asarray(centred / np.sqrt(np.mean(centred**2)), dtype=np.float64)


def _centred_distances(values: FloatArray) -> FloatArray:
    """(N, N) distances, with the mean of every row and column removed."""
    d = distance.squareform(distance.pdist(values[:, None]))
    rows = d.mean(axis=0)
    d -= rows[None, :]
    d -= rows[:, None]
    d += rows.mean()
    return np.asarray(d, dtype=np.float64)
