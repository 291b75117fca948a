"""Spectrum of a mass: counts of events in bins, and the bins of a window."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.core.errors import UserError

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Window: TypeAlias = tuple[float, float]

MIN_EVENTS: Final = 10
"""Events that a spectrum needs before a fit of it means something."""

MIN_SIDE_BINS: Final = 2
"""Bins that a side band needs on each side of a window."""


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
    def centers(self) -> FloatArray:
        """`(B,)` middles of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def widths(self) -> FloatArray:
        """`(B,)` widths of the bins."""
        return np.diff(self.edges)

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
        hint = f": these are between {m.min():g} and {m.max():g}{_unit_hint(m, bins)}" if m.size else ""
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


def align_edges(edges: ArrayLike, window: Window) -> FloatArray:
    """Return edges with those nearest to the ends of a window moved there, so that no bin is cut in two.

    >>> from hepad.stats import align_edges
    >>> align_edges([2600, 3000, 3500, 4100], (3040, 3500))
    array([2600., 3040., 3500., 4100.])
    """
    found = checked_edges(edges).copy()
    check_window(found, window)
    places = [int(np.argmin(np.abs(found - end))) for end in window]
    if places[0] == places[1]:
        raise UserError(f"the window {window[0]:g} to {window[1]:g} is narrower than a bin: take more bins")
    found[places] = window
    return checked_edges(found)


def window_bins(edges: ArrayLike, window: Window) -> BoolArray:
    """Return which bins a window holds.

    Args:
        edges: `(B + 1,)`.
        window: lower and upper end, each on an edge (`align_edges`).

    Returns:
        `(B,)`, true inside.

    Raises:
        UserError: the window ends inside a bin, or outside the spectrum.

    >>> from hepad.stats import window_bins
    >>> window_bins([2600, 3000, 3500, 4100], (3000, 3500))
    array([False,  True, False])
    """
    found = checked_edges(edges)
    check_window(found, window)
    slack = 1e-6 * np.diff(found).min()
    for end in window:
        nearest = float(found[np.argmin(np.abs(found - end))])
        if abs(nearest - end) > slack:
            raise UserError(f"the window ends at {end:g} inside a bin, whose edge is {nearest:g}: align_edges moves it")
    centers = (found[1:] + found[:-1]) / 2
    return (centers > window[0]) & (centers < window[1])


def check_side_bands(edges: ArrayLike, window: Window, minimum: int = MIN_SIDE_BINS) -> None:
    """Check that a window has side bands: bins below and above it.

    Raises:
        UserError: a side has fewer than `minimum` bins.

    >>> from hepad.stats import check_side_bands
    >>> check_side_bands([1, 2, 3, 4, 5, 6], (3, 4)) is None
    True
    """
    inside = np.flatnonzero(window_bins(edges, window))
    below, above = int(inside[0]), int(checked_edges(edges).size - 2 - inside[-1])
    for bins, side in ((below, "below"), (above, "above")):
        if bins < minimum:
            raise UserError(
                f"the window {window[0]:g} to {window[1]:g} has {bins} bins {side} it, and a side band needs "
                f"{minimum}: move the window, or widen the spectrum"
            )


def check_window(edges: FloatArray, window: Window) -> None:
    """Check that a window lies inside a spectrum.

    Raises:
        UserError: it does not; the message says so where both look like other units.
    """
    low, high = window
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise UserError(f"a window goes from a lower to a higher mass, not from {low} to {high}")
    slack = 1e-9 * abs(edges[-1])
    if low < edges[0] - slack or high > edges[-1] + slack:
        hint = _unit_hint(edges, np.asarray(window))
        raise UserError(
            f"the window {low:g} to {high:g} is not inside the spectrum, {edges[0]:g} to {edges[-1]:g}{hint}"
        )


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


def _unit_hint(found: FloatArray, asked: FloatArray) -> str:
    """Return a hint where numbers are a thousand times larger or smaller than what they are compared with."""
    ours, theirs = float(np.median(np.abs(found))), float(np.median(np.abs(asked)))
    if ours > 0 and theirs > 0 and 2 < abs(np.log10(ours / theirs)) < 4:
        return " (TeV/GeV?)"
    return ""
