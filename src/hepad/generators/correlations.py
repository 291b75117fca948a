"""Rank correlations between features, of generated entries against real ones."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.generators.population import Population, require_entries
from hepad.metrics.samples import FloatArray

_LEAST: Final = 100


@dataclass(frozen=True, eq=False)
class CorrelationDifference:
    """Differences of rank correlations.

    Attributes:
        difference: `(D, D)` of the other sample's minus the real ones'; 0 for a feature that is constant in either.
        rms: over pairs of features.
        largest: of all |differences|.
        pair: places of the two features with the largest.
        expected_rms: what two samples of one truth have in the mean, by their sizes, √⟨(1 − ρ²)² (1/N + 1/M)⟩.
    """

    difference: FloatArray
    rms: float
    largest: float
    pair: tuple[int, int]
    expected_rms: float


def rank_correlations(x: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Return Spearman's correlations `(D, D)` of weighted entries `(N, D)`; 0 for a feature that is constant.

    The rank of a value is the weight of the entries below it and half of that of its equals.

    >>> import numpy as np
    >>> from hepad.generators.correlations import rank_correlations
    >>> x = np.random.default_rng(0).exponential(size=500)
    >>> np.round(rank_correlations(np.stack([x, np.log(x), np.ones(500)], axis=1)), 6)[0]
    array([1., 1., 0.])
    """
    w = np.ones(len(x)) if weight is None else weight
    ranks = np.empty_like(x, dtype=np.float64)
    for i, column in enumerate(x.T):
        _, place = np.unique(column, return_inverse=True)
        held = np.bincount(place, w)
        ranks[:, i] = (held.cumsum() - held / 2)[place]
    share = w / w.sum()
    centred = ranks - share @ ranks
    covariance = (centred * share[:, None]).T @ centred
    spread = np.sqrt(np.diag(covariance))
    varies = spread > 1e-9 * w.sum()
    unit = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
    found: FloatArray = np.clip(covariance * unit[:, None] * unit, -1, 1)
    return found


def correlation_difference(real: Population, other: Population) -> CorrelationDifference | None:
    """Compare the rank correlations of the features of two samples; None where there are fewer than two features.

    Raises:
        TooFewEntries: fewer than 100 effective entries on one side.

    >>> import numpy as np
    >>> from hepad.generators import Population, correlation_difference
    >>> x = np.random.default_rng(0).normal(size=(1000, 2))
    >>> found = correlation_difference(Population(x, ["a", "b"], {}), Population(x[:, [0, 0]], ["a", "b"], {}))
    >>> round(found.largest, 1), found.pair
    (1.0, (0, 1))
    """
    require_entries("correlations", _LEAST, real, other)
    n_features = real.features.shape[1]
    if n_features < 2:
        return None
    rho = rank_correlations(real.features, real.weight)
    difference = rank_correlations(other.features, other.weight) - rho
    varies = [np.ptp(part.features, axis=0) > 0 for part in (real, other)]
    difference[~(varies[0] & varies[1])] = 0
    difference[:, ~(varies[0] & varies[1])] = 0
    upper = np.triu_indices(n_features, 1)
    values = difference[upper]
    worst = int(np.abs(values).argmax())
    expected = np.square(1 - rho[upper] ** 2) * (1 / real.effective + 1 / other.effective)
    return CorrelationDifference(
        difference,
        float(np.sqrt(np.square(values).mean())),
        float(np.abs(values[worst])),
        (int(upper[0][worst]), int(upper[1][worst])),
        float(np.sqrt(expected.mean())),
    )
