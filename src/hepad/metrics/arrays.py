"""Checks shared by the metrics: what counts as an array of scores."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]


def as_scores(values: ArrayLike, what: str = "scores") -> FloatArray:
    """Values as a float64 array of shape (N,).

    Args:
        values: anything NumPy reads as a one-dimensional array of numbers.
        what: the name used in error messages.

    Raises:
        ValueError: not one-dimensional, empty, or some values are NaN or infinite (the message says how many).
    """
    array = as_column(values, what)
    if array.size == 0:
        raise ValueError(f"{what}: no entries")
    n_bad = count_non_finite(array)
    if n_bad:
        raise ValueError(f"{what}: {n_bad} of {array.size} values are NaN or infinite")
    return array


def as_column(values: ArrayLike, what: str) -> FloatArray:
    """Values as a float64 array of shape (N,), which may be empty or hold NaN."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{what}: shape {array.shape}, expected one number per entry, (N,)")
    return array


def count_non_finite(array: NDArray[Any]) -> int:
    """How many values are NaN or infinite."""
    return int(array.size - np.count_nonzero(np.isfinite(array)))
