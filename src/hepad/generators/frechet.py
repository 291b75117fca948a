"""Fréchet distance of two samples, extrapolated to infinitely many entries (FPD).

FD = |μ₁ − μ₂|² + Tr(C₁ + C₂ − 2 (C₁C₂)^½) of means and covariances (Heusel et al., arXiv:1706.08500), of features
divided by the largest real |x| (Kansal et al., arXiv:2211.10295). A finite sample gives too large a value by c/N: hence
a straight line in 1/N through values at ten sizes from N/5 to N, and its value at 1/N = 0 (Chong and Forsyth,
arXiv:1911.07023). Subsets are drawn without replacement: drawn with it, they are extrapolated to the distance of these
two samples, bias included.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.generators.blocks import N_BLOCKS, block_of, exchange_p_value, exchanges, feature_scale, jackknife_error
from hepad.generators.population import Population, require_entries
from hepad.metrics.samples import FloatArray

_SIZES: Final = 10
_STARTS: Final = 5
_SMALLEST: Final = 5
_PER_FEATURE: Final = 40
_LEAST: Final = 400


@dataclass(frozen=True, eq=False)
class Extrapolated:
    """A distance extrapolated to infinitely many entries.

    Attributes:
        value: the extrapolated distance; of two samples of one truth it is 0 within its error, and may be below.
        error: standard error (jackknife over blocks).
        p_value: how often blocks dealt anew to both sides give as large a distance.
        finite: the distance of all entries.
        sizes: `(S,)` numbers of entries.
        distances: `(S,)` mean distance of subsets of each size.
    """

    value: float
    error: float
    p_value: float
    finite: float
    sizes: FloatArray
    distances: FloatArray


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums over the entries of each of K blocks: of w, w², w x and w x xᵀ; and the number of entries."""

    weight: FloatArray
    squares: FloatArray
    first: FloatArray
    second: FloatArray
    count: FloatArray


def frechet_distance(mean1: FloatArray, cov1: FloatArray, mean2: FloatArray, cov2: FloatArray) -> FloatArray:
    """Return the Fréchet distance of Gaussians, of shape `(...)`; means are `(..., D)`, covariances `(..., D, D)`.

    The trace of (C₁C₂)^½ is Σ √λ, λ the eigenvalues of C₁^½ C₂ C₁^½, which is symmetric.

    >>> import numpy as np
    >>> from hepad.generators import frechet_distance
    >>> one = np.eye(2)
    >>> float(frechet_distance(np.zeros(2), one, np.array([3.0, 4.0]), 4 * one))
    27.0
    """
    values, vectors = np.linalg.eigh(cov1)
    root = (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov2 @ root), 0)).sum(axis=-1)
    traces = np.trace(cov1, axis1=-2, axis2=-1) + np.trace(cov2, axis1=-2, axis2=-1)
    found: FloatArray = np.square(mean1 - mean2).sum(axis=-1) + traces - 2 * shared
    return found


def needed_entries(n_features: int) -> int:
    """Return how many entries on either side an extrapolation needs: enough for covariances of a fifth of them."""
    return max(_LEAST, _PER_FEATURE * n_features)


def extrapolated_frechet(real: Population, other: Population, scale: FloatArray | None = None) -> Extrapolated:
    """Return the Fréchet distance of the features of two samples of equal size, extrapolated in 1/N.

    Args:
        real: real entries.
        other: others; of the larger sample the first ones are taken.
        scale: `(D,)` what features are divided by; None for the largest |x| of `real`.

    Raises:
        TooFewEntries: fewer than 40 for each feature, or than 400.

    >>> import numpy as np
    >>> from hepad.generators import Population, extrapolated_frechet
    >>> x, y = np.random.default_rng(0).uniform(-1, 1, size=(2, 4000, 2))
    >>> one, other = Population(x, ["a", "b"], {}), Population(y + [0.2, 0.0], ["a", "b"], {})
    >>> found = extrapolated_frechet(one, other)
    >>> abs(found.value - 0.04) < 3 * found.error, found.p_value < 0.01
    (True, True)
    """
    require_entries("the Fréchet distance", needed_entries(real.features.shape[1]), real, other)
    n = min(len(real), len(other))
    scale = feature_scale(real.features) if scale is None else scale
    # Subtracted for the sums' sake: a distance does not see it.
    centre = (real.features / scale).mean(axis=0)
    sides = [
        _moments(part.features / scale - centre, part.weights, block_of(n, seed=i))
        for i, part in enumerate((real.first(n), other.first(n)))
    ]
    sizes, distances, value = _extrapolate(sides, np.arange(N_BLOCKS))
    left_out = [_extrapolate(sides, np.delete(np.arange(N_BLOCKS), k))[2] for k in range(N_BLOCKS)]
    everything = np.ones((1, N_BLOCKS))
    finite = float(_distances(sides, everything, everything)[0])
    pooled = _Moments(*(np.concatenate([getattr(s, name) for s in sides]) for name in vars(sides[0])))
    dealt = exchanges().astype(np.float64)
    exchanged = _distances([pooled, pooled], dealt, 1 - dealt)
    p_value = exchange_p_value(finite, exchanged)
    return Extrapolated(value, jackknife_error(np.array(left_out)), p_value, finite, sizes, distances)


def _moments(x: FloatArray, weights: FloatArray, block: NDArray[np.int64]) -> _Moments:
    parts = [np.flatnonzero(block == k) for k in range(N_BLOCKS)]
    second = np.array([(x[rows] * weights[rows, None]).T @ x[rows] for rows in parts])
    return _Moments(
        np.array([weights[rows].sum() for rows in parts]),
        np.array([np.square(weights[rows]).sum() for rows in parts]),
        np.array([weights[rows] @ x[rows] for rows in parts]),
        second,
        np.array([float(len(rows)) for rows in parts]),
    )


def _distances(sides: list[_Moments], *unions: FloatArray) -> FloatArray:
    """Return the distances of unions of blocks, each `(U, K)` of 0 and 1."""
    found: list[FloatArray] = []
    for side, union in zip(sides, unions, strict=True):
        total = union @ side.weight
        mean = union @ side.first / total[:, None]
        spread = np.tensordot(union, side.second, axes=1) / total[:, None, None] - mean[:, :, None] * mean[:, None, :]
        # The factor n / (n − 1), with the number that weighted entries are worth.
        found += [mean, spread / (1 - union @ side.squares / total**2)[:, None, None]]
    return frechet_distance(*found)


def _extrapolate(sides: list[_Moments], kept: NDArray[np.int64]) -> tuple[FloatArray, FloatArray, float]:
    """Return sizes, mean distances at each, and the value at 1/N = 0 of a line through them."""
    k = len(kept)
    inverse = np.linspace(_SMALLEST / k, 1 / k, _SIZES)
    lengths = np.unique(np.rint(1 / inverse).astype(int))
    unions = np.zeros((len(lengths), _STARTS, N_BLOCKS))
    for i, length in enumerate(lengths):
        for j in range(_STARTS):
            unions[i, j, kept[(round(j * k / _STARTS) + np.arange(length)) % k]] = 1
    flat = unions.reshape(-1, N_BLOCKS)
    distances = _distances(sides, flat, flat).reshape(len(lengths), _STARTS).mean(axis=1)
    sizes = (unions @ sides[0].count).mean(axis=1)
    # What fluctuates does so by about 1/N, and less where subsets hold more.
    value = float(np.polyfit(1 / sizes, distances, 1, w=sizes)[1])
    return sizes, distances, value
