"""Weights of entries: what counts as an array of them, and how many entries they are worth."""

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.arrays import FloatArray, as_column, count_non_finite


def as_weights(weight: ArrayLike | None, n: int, what: str) -> FloatArray | None:
    """Weights as a float64 array `(n,)`; None where there are none, or where all are equal.

    Every number here is blind to a common factor, so equal weights are no weights, to the last bit.

    Args:
        weight: `(n,)` numbers from 0, or None.
        n: how many entries there are.
        what: the entries, for error messages.

    Raises:
        ValueError: another number of weights, NaN, infinite or negative ones, or nothing but zeros.
    """
    if weight is None:
        return None
    array = as_column(weight, f"weights of {what}")
    if array.size != n:
        raise ValueError(f"{array.size} weights for {n} {what}")
    if n_bad := count_non_finite(array):
        raise ValueError(f"{n_bad} of {n} weights of {what} are NaN or infinite")
    if n_bad := int(np.count_nonzero(array < 0)):
        raise ValueError(f"{n_bad} of {n} weights of {what} are negative")
    if n and not array.any():
        raise ValueError(f"all weights of {what} are 0")
    return None if not n or (array == array[0]).all() else array


def effective_entries(weight: FloatArray) -> float:
    """The number of entries of equal weight that would fix a mean as well, (Σw)² / Σw² (Kish, 1965); 0 of none.

    >>> import numpy as np
    >>> from hepad.metrics import effective_entries
    >>> effective_entries(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    # Squares of weights such as 1e-200 would underflow.
    largest = weight.max(initial=0.0)
    if not largest:
        return 0.0
    scaled = weight / largest
    return float(scaled.sum() ** 2 / np.square(scaled).sum())


def weight_from(weight: FloatArray) -> FloatArray:
    """Sums from each position to the end, `(N + 1,)`, the last of which is 0."""
    return np.append(weight[::-1].cumsum()[::-1], 0.0)


def effective_from(weight: FloatArray) -> FloatArray:
    """`effective_entries` of the weights from each position to the end, `(N + 1,)`, the last of which is 0."""
    scaled = weight / weight.max()
    total, squares = weight_from(scaled), weight_from(np.square(scaled))
    effective: FloatArray = np.divide(np.square(total), squares, out=np.zeros_like(total), where=squares > 0)
    return effective
