"""Spectrum of a mass: counts of events in bins."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.core.errors import UserError

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

MIN_EVENTS: Final = 10
"""Events that a spectrum needs before a fit of it means something."""


@dataclass(frozen=True)
class Spectrum:
    """Counts of events in bins of a mass.

    Attributes:
        edges: `(B + 1,)` rising edges of the bins, in the unit of the mass.
        counts: `(B,)` whole numbers of events.

    Raises:
        UserError: edges that do not rise, counts that are no counts.

    >>> from hepad.stats import Spectrum
    >>> Spectrum([2600, 3000, 3500], [40, 12]).total
    52
    """

    edges: FloatArray
    counts: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", checked_edges(self.edges))
        object.__setattr__(self, "counts", checked_counts(self.counts, self.edges.size - 1))

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return int(self.counts.size)

    @property
    def total(self) -> int:
        """Number of events in all bins."""
        return int(self.counts.sum())


def checked_edges(edges: ArrayLike) -> FloatArray:
    """Return edges of bins as an array, finite and rising.

    Raises:
        UserError: they are not, or there are fewer than two.
    """
    found = np.asarray(edges, dtype=np.float64)
    if found.ndim != 1 or found.size < 2 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise UserError("edges of bins must be two or more finite numbers that rise")
    return found


def checked_counts(counts: ArrayLike, n_bins: int) -> FloatArray:
    """Return counts of events as an array.

    Raises:
        UserError: a number of counts other than of bins, a negative count, a fraction or NaN.
    """
    found = np.asarray(counts, dtype=np.float64)
    if found.shape != (n_bins,):
        raise UserError(f"{found.size} counts for {n_bins} bins")
    if not np.isfinite(found).all():
        raise UserError("counts of events hold NaN or inf")
    if (found < 0).any() or (found != np.rint(found)).any():
        raise UserError("counts must be whole numbers of events, none negative: weighted events are no Poisson counts")
    return found


def fill_spectrum(mass: ArrayLike, edges: ArrayLike, weight: ArrayLike | None = None) -> Spectrum:
    """Count events in bins of their mass; events outside all bins are left out.

    A bin holds its lower edge, the last one its upper edge too. The likelihood of a search is one of counts, so weights
    are refused unless all are the same, which counts each event once. Weighted simulation becomes counts by drawing
    events in proportion to their weights.

    Args:
        mass: `(N,)`.
        edges: `(B + 1,)` rising edges, in the same unit.
        weight: `(N,)` weights, only to be checked.

    Raises:
        UserError: NaN among the masses, negative or different weights, no event in any bin; the message says so where
            masses and bins look like other units.

    >>> from hepad.stats import fill_spectrum
    >>> fill_spectrum([2700.0, 2900.0, 3200.0, 9000.0], [2600, 3000, 3500]).counts
    array([2., 1.])
    """
    m, bins = np.asarray(mass, dtype=np.float64).ravel(), checked_edges(edges)
    if not np.isfinite(m).all():
        raise UserError(f"{int((~np.isfinite(m)).sum())} of {m.size} masses are NaN or inf: drop these events first")
    if weight is not None:
        _check_weights(np.asarray(weight, dtype=np.float64).ravel(), m.size)
    counts, _ = np.histogram(m, bins)
    if counts.sum() == 0:
        low, high = bins[0], bins[-1]
        hint = f": these are between {m.min():g} and {m.max():g}{unit_hint(m, bins)}" if m.size else ""
        raise UserError(f"none of {m.size} events has a mass between {low:g} and {high:g}{hint}")
    return Spectrum(bins, counts)


def equal_bins(low: float, high: float, n_bins: int) -> FloatArray:
    """Return the edges of bins of the same width.

    >>> from hepad.stats import equal_bins
    >>> equal_bins(2.6, 3.0, 4)
    array([2.6, 2.7, 2.8, 2.9, 3. ])
    """
    if not low < high or n_bins < 1:
        raise UserError(f"no bins between {low:g} and {high:g} in {n_bins} steps")
    return np.linspace(low, high, n_bins + 1)


def growing_bins(low: float, high: float, resolution: float = 0.03) -> FloatArray:
    """Return the edges of bins that grow with the mass, each as wide as the resolution there.

    Spectra of dijets are counted in bins of the width of the resolution of m_jj, which is a share of the mass: 4.5% at
    1 TeV to 3% at 4 TeV in CMS (CMS Collaboration, JHEP 05 (2020) 033, arXiv:1911.03947).

    Args:
        low, high: ends of the spectrum; exact.
        resolution: width over mass; changed a little, so that the bins fill the spectrum.

    >>> from hepad.stats import growing_bins
    >>> edges = growing_bins(2600, 6000, 0.05)
    >>> edges.size, (edges[1:3] / edges[:2] - 1).round(4).tolist()
    (18, [0.0504, 0.0504])
    """
    if not 0 < low < high or not 0 < resolution < 1:
        raise UserError(f"no bins between {low:g} and {high:g} that grow by a share of {resolution:g}")
    n_bins = max(1, round(np.log(high / low) / np.log1p(resolution)))
    edges = np.geomspace(low, high, n_bins + 1)
    edges[0], edges[-1] = low, high
    return edges


def enough_events(events: float, minimum: int = MIN_EVENTS) -> bool:
    """Return true where there are enough events for a fit; whoever asks decides what to do otherwise.

    >>> from hepad.stats import enough_events
    >>> enough_events(9), enough_events(10)
    (False, True)
    """
    return events >= minimum


def check_events(spectrum: Spectrum, minimum: int = MIN_EVENTS) -> None:
    """Check that a spectrum has enough events.

    Raises:
        UserError: it has none, or fewer than `minimum`.

    >>> from hepad.stats import Spectrum, check_events
    >>> check_events(Spectrum([1, 2, 3], [8, 2])) is None
    True
    """
    if spectrum.total == 0:
        raise UserError("the spectrum is empty: no event passes")
    if not enough_events(spectrum.total, minimum):
        raise UserError(f"{spectrum.total} events in the spectrum, fewer than {minimum}: loosen the cut")


def _check_weights(weight: FloatArray, n_events: int) -> None:
    if weight.size != n_events:
        raise UserError(f"{weight.size} weights for {n_events} masses")
    if not np.isfinite(weight).all():
        raise UserError("weights of events hold NaN or inf")
    if (weight < 0).any():
        raise UserError(f"{int((weight < 0).sum())} of {n_events} weights are negative: a spectrum counts events")
    if n_events and np.ptp(weight) > 1e-6 * weight.max():
        raise UserError("events have different weights, and a spectrum counts events: draw events by their weights")


def unit_hint(found: FloatArray, asked: FloatArray) -> str:
    """Return a hint where numbers are a thousand times larger or smaller than what they are compared with."""
    ours, theirs = float(np.median(np.abs(found))), float(np.median(np.abs(asked)))
    if ours > 0 and theirs > 0 and 2 < abs(np.log10(ours / theirs)) < 4:
        return " (TeV/GeV?)"
    return ""
