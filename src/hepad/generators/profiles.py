"""Mean profiles along an axis, and response and resolution against incident energy."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from hepad.generators.population import Population, require_entries
from hepad.metrics.samples import FloatArray

_LEAST: Final = 100
_PER_ENERGY: Final = 50
_MOST_ENERGIES: Final = 8


@dataclass(frozen=True, eq=False)
class Profile:
    """Means along an axis.

    Attributes:
        mean: `(B,)` mean over entries.
        error: `(B,)` its standard error.
    """

    mean: FloatArray
    error: FloatArray


@dataclass(frozen=True, eq=False)
class ProfileTest:
    """Profiles of two samples and their comparison.

    Attributes:
        real, other: the profiles.
        chi2, ndf, p_value: of their difference, with the covariance of the bins.
    """

    real: Profile
    other: Profile
    chi2: float
    ndf: int
    p_value: float


@dataclass(frozen=True, eq=False)
class Response:
    """Visible energy of showers over incident energy.

    Attributes:
        energy: `(E,)` mean incident energy of each bin.
        response: `(E,)` mean of visible over incident energy.
        response_error: `(E,)` its standard error.
        resolution: `(E,)` standard deviation over mean of that ratio.
        resolution_error: `(E,)` its standard error.
    """

    energy: FloatArray
    response: FloatArray
    response_error: FloatArray
    resolution: FloatArray
    resolution_error: FloatArray


def compare_profiles(name: str, real: Population, other: Population) -> ProfileTest:
    """Compare the mean profiles of two samples.

    Raises:
        TooFewEntries: fewer than 100 effective entries on one side, or fewer than ten for each bin.
    """
    n_bins = real.profiles[name].shape[1]
    require_entries(f"the profile {name}", max(_LEAST, 10 * n_bins), real, other)
    parts, covariance = [], np.zeros((n_bins, n_bins))
    for found in (real, other):
        share = found.weights / found.weights.sum()
        mean = share @ found.profiles[name]
        residual = share[:, None] * (found.profiles[name] - mean)
        own = residual.T @ residual
        covariance += own
        parts.append(Profile(mean, np.sqrt(np.diag(own))))
    d = parts[0].mean - parts[1].mean
    # In units of each bin's own error, since bins differ by orders of magnitude.
    error = np.sqrt(np.diag(covariance))
    used = error > 0
    scaled = covariance[np.ix_(used, used)] / np.outer(error[used], error[used])
    inverse, ndf = _pseudo_inverse(scaled)
    pull = d[used] / error[used]
    chi2 = float(pull @ inverse @ pull)
    return ProfileTest(parts[0], parts[1], chi2, ndf, float(stats.chi2.sf(chi2, ndf)) if ndf else 1.0)


def energy_edges(incident: FloatArray) -> FloatArray:
    """Return edges of bins of incident energy that hold equally many showers; of few energies one bin for each."""
    values, counts = np.unique(incident, return_counts=True)
    if len(values) <= _MOST_ENERGIES:
        kept = values[counts >= 2]
        middle = (kept[1:] + kept[:-1]) / 2
        return np.concatenate([[-np.inf], middle, [np.inf]])
    n_bins = int(np.clip(len(incident) // _PER_ENERGY, 1, _MOST_ENERGIES))
    inner = np.quantile(incident, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.concatenate([[-np.inf], np.unique(inner), [np.inf]])


def response(visible: FloatArray, incident: FloatArray, edges: FloatArray, weights: FloatArray) -> Response:
    """Return response and resolution in bins of incident energy; bins of fewer than ten showers are left out.

    The error of a standard deviation σ of n values of excess kurtosis κ is σ √((κ + 2) / 4n), more than for a Gaussian
    where tails are long.

    Args:
        visible: `(N,)` energy in all cells.
        incident: `(N,)` incident energy, in any unit that is the same for all showers.
        edges: of the bins of incident energy.
        weights: `(N,)` weights of the showers.

    >>> import numpy as np
    >>> from hepad.generators import response
    >>> energy = np.full(10_000, 50.0)
    >>> seen = energy * np.random.default_rng(0).normal(0.9, 0.05, 10_000)
    >>> found = response(seen, energy, np.array([0.0, 100.0]), np.ones(10_000))
    >>> found.response.round(2), found.resolution.round(3)
    (array([0.9]), array([0.055]))
    """
    place = np.searchsorted(edges, incident, side="right") - 1
    rows = []
    for k in range(len(edges) - 1):
        inside = (place == k) & (incident > 0)
        w = weights[inside]
        if np.count_nonzero(w) < 10:
            continue
        share = w / w.sum()
        n = 1 / float(np.square(share).sum())
        ratio = visible[inside] / incident[inside]
        mean = float(share @ ratio)
        variance = float(share @ np.square(ratio - mean))
        kurtosis = float(share @ (ratio - mean) ** 4) / max(variance**2, 1e-300) - 3
        sigma = np.sqrt(variance * n / max(n - 1, 1))
        sigma_error = sigma * np.sqrt(max(kurtosis + 2, 0.1) / (4 * n))
        size = abs(mean) if mean else np.inf
        relative = np.hypot(sigma_error / size, sigma / size * sigma / np.sqrt(n) / size)
        rows.append([float(share @ incident[inside]), mean, sigma / np.sqrt(n), sigma / size, relative])
    columns = np.array(rows).reshape(-1, 5).T
    return Response(*columns)


def _pseudo_inverse(correlation: FloatArray) -> tuple[FloatArray, int]:
    """Return the inverse of a correlation matrix without directions that do not fluctuate, and how many are left."""
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-9 * max(float(values.max(initial=0.0)), 1e-300)
    inverse: FloatArray = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse, int(kept.sum())
