"""Distance correlation of two columns in O(N log N), without the N² distances."""

from typing import Final

import numpy as np

from hepad.metrics.samples import FloatArray

_ROUNDING: Final = 1e-12
"""Of a squared distance covariance, a difference of numbers of order one."""


def squared_distance_correlation(x: FloatArray, y: FloatArray, weight: FloatArray) -> float | None:
    """Squared distance correlation, (2.10) of Székely, Rizzo and Bakirov (2007), of columns that are not constant.

    None where rounding leaves no spread, as with all weight on one entry.

    With the mean distances aᵢ = Σⱼ wⱼ |xᵢ − xⱼ|, bᵢ of y, and their means A and B the squared distance covariance is

        V²(x, y) = Σᵢⱼ wᵢ wⱼ |xᵢ − xⱼ| |yᵢ − yⱼ| − 2 Σᵢ wᵢ aᵢ bᵢ + A B

    and R² = V²(x, y) / √(V²(x, x) V²(y, y)). On a line sorting gives all three terms: X. Huo, G. Székely, Technometrics
    58 (2016) 435; A. Chaudhuri, W. Hu, Computational Statistics & Data Analysis 135 (2019) 15.

    Args:
        x: (N,) first column, of mean 0 and variance 1.
        y: (N,) second column, of mean 0 and variance 1.
        weight: (N,) positive weights of sum 1.
    """
    a, b = _mean_distances(x, weight), _mean_distances(y, weight)

    def covariance(products: float, of_x: FloatArray, of_y: FloatArray) -> float:
        return products - 2 * _sum(weight, of_x, of_y) + _sum(weight, of_x) * _sum(weight, of_y)

    together = covariance(_mean_product_of_distances(x, y, weight), a, b)
    own_x = covariance(2 * _sum(weight, x, x), a, a)
    own_y = covariance(2 * _sum(weight, y, y), b, b)
    if min(own_x, own_y) < _ROUNDING:
        return None
    return float(np.clip(together / np.sqrt(own_x * own_y), 0, 1))


def _sum(*columns: FloatArray) -> float:
    return float(np.prod(columns, axis=0).sum())


def _mean_distances(values: FloatArray, weight: FloatArray) -> FloatArray:
    """(N,) weighted mean distance of each value to all: of those below v it is v W − Σ w v, and so above."""
    order = np.argsort(values)
    v, w = values[order], weight[order]
    below, sum_below = w.cumsum(), (w * v).cumsum()
    found = np.empty_like(v)
    found[order] = v * (2 * below - below[-1]) - 2 * sum_below + sum_below[-1]
    return found


def _mean_product_of_distances(x: FloatArray, y: FloatArray, weight: FloatArray) -> float:
    """Σᵢⱼ wᵢ wⱼ |xᵢ − xⱼ| |yᵢ − yⱼ| for columns of mean 0 and weights of sum 1.

    The product of distances is (xᵢ − xⱼ)(yᵢ − yⱼ), or minus that where x and y rise in opposite directions. Without the
    signs the sum is twice the covariance; so what is needed is the sum over pairs with xⱼ ≤ xᵢ and yⱼ < yᵢ. Entries
    begin in the order of x and are sorted by the bits of their rank in y, from the highest bit on, in stable
    partitions. A pair has its two ranks parted by one bit, the highest in which they differ; until then both are in one
    group of ranks, in the order of x, so that a running sum over those whose bit is 0 finds all partners of one whose
    bit is 1.
    """
    by_x = np.argsort(x)
    rank = np.empty(x.size, dtype=np.int64)
    rank[np.argsort(y[by_x])] = np.arange(x.size)
    sums = np.stack([weight, weight * x, weight * y, weight * x * y])[:, by_x]
    rising = 0.0
    for bit in reversed(range(int(x.size - 1).bit_length())):
        high = (rank >> bit & 1).astype(bool)
        start = rank >> (bit + 1) << (bit + 1)
        before = np.zeros_like(sums)
        np.cumsum(np.where(high, 0.0, sums)[:, :-1], axis=1, out=before[:, 1:])
        w, wx, wy, wxy = before[:, high] - before[:, start[high]]
        own = sums[:, high]
        rising += float((own[3] * w - own[1] * wy - own[2] * wx + own[0] * wxy).sum())
        order = np.argsort(rank >> bit, kind="stable")
        rank, sums = rank[order], sums[:, order]
    return 4 * rising - 2 * _sum(weight, x, y)
