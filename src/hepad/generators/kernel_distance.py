"""Kernel distance of two samples (KPD): the maximum mean discrepancy with the kernel (x·y/D + 1)⁴, without bias.

MMD² = mean k(x, x′) + mean k(y, y′) − 2 mean k(x, y) over pairs of different entries, which is 0 in the mean for two
samples of one truth whatever their size, so that nothing is extrapolated (Bińkowski et al., arXiv:1801.01401, for
images; Kansal et al., arXiv:2211.10295, for jets: there the median of ten subsets of 5000, here all pairs at once,
which fluctuates less). Features are divided by the largest real |x|.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.generators.blocks import N_BLOCKS, block_of, exchange_p_value, exchanges, feature_scale, jackknife_error
from hepad.generators.population import Population, require_entries
from hepad.metrics.samples import FloatArray

_DEGREE: Final = 4
_LEAST: Final = 200


@dataclass(frozen=True)
class KernelDistance:
    """A squared maximum mean discrepancy.

    Attributes:
        value: without bias: of two samples of one truth it is 0 within its error, and may be below.
        error: standard error (jackknife over blocks).
        p_value: how often blocks dealt anew to both sides give as large a distance.
    """

    value: float
    error: float
    p_value: float


def kernel_distance(real: Population, other: Population, scale: FloatArray | None = None) -> KernelDistance:
    """Return the kernel distance of the features of two samples of equal size.

    Args:
        real: real entries.
        other: others; of the larger sample the first ones are taken.
        scale: `(D,)` what features are divided by; None for the largest |x| of `real`.

    Raises:
        TooFewEntries: fewer than 200.

    >>> import numpy as np
    >>> from hepad.generators import Population, kernel_distance
    >>> x, y = np.random.default_rng(0).uniform(-1, 1, size=(2, 1000, 2))
    >>> found = kernel_distance(Population(x, ["a", "b"], {}), Population(y + [0.2, 0.0], ["a", "b"], {}))
    >>> round(found.value, 2), found.p_value < 0.01
    (0.06, True)
    """
    require_entries("the kernel distance", _LEAST, real, other)
    n = min(len(real), len(other))
    scale = feature_scale(real.features) if scale is None else scale
    sides = [(part.features / scale, part.weights) for part in (real.first(n), other.first(n))]
    parts = [
        (x[block_of(n, seed=i) == k], w[block_of(n, seed=i) == k])
        for i, (x, w) in enumerate(sides)
        for k in range(N_BLOCKS)
    ]
    sums, weight, squares = _kernel_sums(parts)
    first = np.repeat([1.0, 0.0], N_BLOCKS)
    value = float(_mmd(sums, weight, squares, first[None], 1 - first[None])[0])
    kept = np.array([np.arange(2 * N_BLOCKS) % N_BLOCKS != k for k in range(N_BLOCKS)], dtype=float)
    left_out = _mmd(sums, weight, squares, kept * first, kept * (1 - first))
    dealt = exchanges().astype(np.float64)
    exchanged = _mmd(sums, weight, squares, dealt, 1 - dealt)
    return KernelDistance(value, jackknife_error(left_out), exchange_p_value(value, exchanged))


def _kernel_sums(parts: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Σ w w′ k of each pair of blocks without an entry with itself, Σ w, and Σ w² of each block."""
    n = len(parts)
    sums = np.zeros((n, n))
    for i, (x, w) in enumerate(parts):
        for j in range(i, n):
            y, v = parts[j]
            kernel = (x @ y.T / x.shape[1] + 1) ** 2
            sums[i, j] = sums[j, i] = w @ np.square(kernel) @ v
        alone = (np.square(x).sum(axis=1) / x.shape[1] + 1) ** _DEGREE
        sums[i, i] -= float(np.square(w) @ alone)
    return sums, np.array([w.sum() for _, w in parts]), np.array([np.square(w).sum() for _, w in parts])


def _mmd(sums: FloatArray, weight: FloatArray, squares: FloatArray, one: FloatArray, other: FloatArray) -> FloatArray:
    """Return MMD² of blocks dealt to two sides, each `(U, 2 K)` of 0 and 1."""

    def mean(a: FloatArray, b: FloatArray, same: bool) -> FloatArray:
        pairs = (a @ weight) * (b @ weight) - (a @ squares if same else 0.0)
        found: FloatArray = ((a @ sums) * b).sum(axis=1) / pairs
        return found

    return mean(one, one, True) + mean(other, other, True) - 2 * mean(one, other, False)
