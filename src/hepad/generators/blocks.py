"""Entries in blocks: numbers of any union of blocks follow from sums over each, so that errors cost next to nothing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.metrics.samples import FloatArray

N_BLOCKS: Final = 20
"""Blocks of each sample: what is left out in turn for an error, and exchanged for a p-value."""

N_EXCHANGES: Final = 500


def block_of(n: int, n_blocks: int = N_BLOCKS, seed: int = 0) -> NDArray[np.int64]:
    """Return the block `(n,)` of each entry: equal blocks, dealt at random, the same for the same number of entries."""
    dealt: NDArray[np.int64] = np.random.default_rng(seed).permutation(np.arange(n) % n_blocks)
    return dealt


def jackknife_error(left_out: FloatArray) -> float:
    """Return the standard error of a number from its values `(K,)` without one block each.

    √((K − 1)/K Σ (θ₋ₖ − mean)²) (Tukey, 1958). For a distance of two samples of one truth, which is quadratic in what
    fluctuates, it is too large by about √2.
    """
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * np.square(left_out - left_out.mean()).sum()))


def exchanges(n_blocks: int = N_BLOCKS, n: int = N_EXCHANGES, seed: int = 0) -> NDArray[np.bool_]:
    """Return `n` ways `(n, 2 K)` of dealing the blocks of both samples to two sides of K each; true for the first."""
    rng = np.random.default_rng(seed)
    sides = np.repeat([True, False], n_blocks)
    return np.array([rng.permutation(sides) for _ in range(n)])


def exchange_p_value(found: float, exchanged: FloatArray) -> float:
    """Return how often a number is at least as large when blocks are exchanged, (k + 1) / (n + 1)."""
    return float((1 + np.count_nonzero(exchanged >= found)) / (1 + len(exchanged)))


def feature_scale(real: FloatArray) -> FloatArray:
    """Return max |x| `(D,)` of real features, by which distances scale them; 1 for a feature that is always 0."""
    largest = np.abs(real).max(axis=0)
    scale: FloatArray = np.where(largest > 0, largest, 1.0)
    return scale
