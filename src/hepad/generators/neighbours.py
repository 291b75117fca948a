"""Nearest neighbours: precision, recall, density, coverage, and whether generated entries are training entries.

Entries lie in features divided by the standard deviation of the real ones. With balls around each entry up to its k-th
neighbour of its own kind, precision is the share of generated entries in a ball of real ones, recall the share of real
ones in a ball of generated ones (Kynkäänniemi et al., arXiv:1904.06991); density the mean number of real balls a
generated entry lies in, over k, coverage the share of real balls that hold a generated entry (Naeem et al.,
arXiv:2002.09797), 1 − 2⁻ᵏ for two large samples of one truth and of one size.

Memorisation: distances to the nearest training entry, of generated entries against those of held-out real ones. Their
AUC is 0.5 for a generator that is right, above for one that copies, below for one that misses where real entries lie
(Meehan et al., arXiv:2004.05675).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.generators.population import Population, require_entries
from hepad.metrics.delong import auc_variance
from hepad.metrics.roc import auc
from hepad.metrics.samples import FloatArray

NEIGHBOURS: Final = 5
_LEAST: Final = 200
_SAME: Final = 1e-5
_CLOSE: Final = 0.01


@dataclass(frozen=True)
class Coverage:
    """Shares of entries within reach of others, each with its standard error."""

    precision: float
    recall: float
    density: float
    coverage: float
    errors: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Memorisation:
    """Distances to the nearest training entry.

    Attributes:
        auc: how often a generated entry is nearer to training than a held-out real one; 0.5 is right.
        auc_error: standard error.
        close: share of generated entries nearer to training than all but 1% of held-out real ones.
        copies: share of generated entries that are training entries, to a part in 10⁵ of the spread of each feature.
        held_out, generated: `(N,)` distances.
        n_training: how many training entries were searched.
    """

    auc: float
    auc_error: float
    close: float
    copies: float
    held_out: FloatArray
    generated: FloatArray
    n_training: int


def coverage(real: Population, other: Population) -> Coverage:
    """Return precision, recall, density and coverage of two samples of equal size.

    Raises:
        TooFewEntries: fewer than 200.

    >>> import numpy as np
    >>> from hepad.generators import Population, coverage
    >>> x, y = np.random.default_rng(0).normal(size=(2, 1000, 2))
    >>> one, half = Population(x, ["a", "b"], {}), Population(np.abs(y), ["a", "b"], {})
    >>> found = coverage(one, half)
    >>> found.precision > 0.9, found.recall < 0.4
    (True, True)
    """
    require_entries("coverage", _LEAST, real, other)
    n = min(len(real), len(other))
    real, other = real.first(n), other.first(n)
    scale = spread(real.features)
    x, y = real.features / scale, other.features / scale
    reach_x, reach_y = (_nearest(z, z, NEIGHBOURS + 1)[:, -1] for z in (x, y))
    inside_real, inside_other, held = _within(x, y, reach_x, reach_y)
    wx, wy = real.weights / real.weights.sum(), other.weights / other.weights.sum()
    found = (
        (wy, (inside_real > 0).astype(np.float64)),
        (wx, (inside_other > 0).astype(np.float64)),
        (wy, inside_real / NEIGHBOURS),
        (wx, held.astype(np.float64)),
    )
    shares = [float(w @ values) for w, values in found]
    errors = [
        float(np.sqrt(np.square(w) @ np.square(values - share)))
        for (w, values), share in zip(found, shares, strict=True)
    ]
    return Coverage(shares[0], shares[1], shares[2], shares[3], (errors[0], errors[1], errors[2], errors[3]))


def memorisation(training: Population, held_out: Population, generated: Population) -> Memorisation:
    """Return how near generated entries lie to training entries, beside held-out real ones.

    Raises:
        TooFewEntries: fewer than 200 of any.

    >>> import numpy as np
    >>> from hepad.generators import Population, memorisation
    >>> x, y = np.random.default_rng(0).normal(size=(2, 500, 2))
    >>> training, fresh = Population(x, ["a", "b"], {}), Population(y, ["a", "b"], {})
    >>> found = memorisation(training, fresh, Population(x[:250], ["a", "b"], {}))
    >>> found.auc, found.copies
    (1.0, 1.0)
    """
    require_entries("the search for copies", _LEAST, training, held_out, generated)
    scale = spread(training.features)
    known = training.features / scale
    found = [_nearest(part.features / scale, known, 1)[:, 0] for part in (held_out, generated)]
    # Without ln 0: it is the order that counts.
    weights = held_out.weights, generated.weights
    area = auc(-found[0], -found[1], *weights)
    error = float(np.sqrt(auc_variance(-found[0], -found[1], *weights)))
    share = weights[1] / weights[1].sum()
    limit = float(np.quantile(found[0], _CLOSE))
    copied = found[1] <= _SAME * np.sqrt(known.shape[1])
    return Memorisation(
        area, error, float(share @ (found[1] < limit)), float(share @ copied), found[0], found[1], len(training)
    )


def spread(real: FloatArray) -> FloatArray:
    """Return the standard deviation `(D,)` of each feature; 1 for one that does not vary."""
    found = real.std(axis=0)
    scale: FloatArray = np.where(found > 1e-12 * np.maximum(np.abs(real).max(axis=0), 1e-300), found, 1.0)
    return scale


def _nearest(x: FloatArray, among: FloatArray, k: int) -> FloatArray:
    """Return the distances `(N, k)` to the k nearest entries, in rising order; an entry is its own nearest."""
    from sklearn.neighbors import NearestNeighbors

    distances, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(among).kneighbors(x)
    found: FloatArray = np.asarray(distances, dtype=np.float64)
    return found


def _within(
    x: FloatArray, y: FloatArray, reach_x: FloatArray, reach_y: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return in how many balls of x each y lies, in how many of y each x, and which balls of x hold a y."""
    in_x, in_y = np.zeros(len(y), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    held = np.zeros(len(x), dtype=bool)
    length = np.square(y).sum(axis=1)
    for start in range(0, len(x), 1000):
        rows = slice(start, start + 1000)
        square = np.maximum(np.square(x[rows]).sum(axis=1)[:, None] + length - 2 * x[rows] @ y.T, 0)
        inside = square <= np.square(reach_x[rows])[:, None]
        in_x += inside.sum(axis=0)
        held[rows] = inside.any(axis=1)
        in_y[rows] = (square <= np.square(reach_y)).sum(axis=1)
    return in_x, in_y, held
