"""Array helpers: the array type of this room, and ragged arrays as flat values with counts."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def offsets_of(counts: Array) -> Array:
    """Return the offsets (N + 1,) int64 of a ragged array with `counts` (N,) entries per row."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def ragged_indices(starts: Array, counts: Array) -> Array:
    """Return the concatenation of the ranges [start, start + count), int64.

    >>> import numpy as np
    >>> ragged_indices(np.array([10, 3]), np.array([2, 3]))
    array([10, 11,  3,  4,  5])
    """
    ends = np.cumsum(counts, dtype=np.int64)
    shift = np.repeat(starts - (ends - counts), counts)
    return np.arange(ends[-1] if len(ends) else 0, dtype=np.int64) + shift


def wrap_phi(phi: Array) -> Array:
    """Return φ in [−π, π)."""
    return (phi + np.pi) % (2 * np.pi) - np.pi
