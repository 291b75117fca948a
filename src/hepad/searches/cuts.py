"""One cut in one window: the spectrum that is left, the background expected, and the significance of an excess."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.metrics import MIN_ENTRIES, jensen_shannon
from hepad.searches import record
from hepad.searches.record import CutResult, Window
from hepad.searches.settings import FitSettings
from hepad.stats import FitError, Spectrum, choose_order, counting_limit, counting_significance
from hepad.stats.fits import BackgroundFit

WORST_FIT: Final = 1e-3
"""p-value of a fit below which its function is wrong, and so what it expects in a window."""

_BLOCKS: Final = 12


@dataclass(frozen=True)
class Passed:
    """Entries that a cut leaves.

    Attributes:
        efficiency: of the background, by which the cut was chosen; 1 for no cut.
        mass: `(N,)` the observable of all entries that are searched.
        passes: `(N,)` which of them pass.
        window: the window.
        edges: of the bins of the spectrum.
    """

    efficiency: float
    mass: NDArray[np.float64]
    passes: NDArray[np.bool_]
    window: Window
    edges: Sequence[float]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """`(N,)` which entries lie in the window."""
        return np.asarray((self.window.low <= self.mass) & (self.mass < self.window.high))

    @property
    def observed(self) -> int:
        """Number of entries in the window that pass."""
        return int((self.inside & self.passes).sum())

    @property
    def counts(self) -> NDArray[np.int64]:
        """Entries that pass in each bin."""
        edges = np.asarray(self.edges)
        inside = (edges[0] <= self.mass) & (self.mass < edges[-1]) & self.passes
        return np.asarray(
            np.bincount(np.searchsorted(edges, self.mass[inside], side="right") - 1, minlength=len(edges) - 1)
        )

    @property
    def sculpting(self) -> float | None:
        """Jensen-Shannon distance of the spectra beside the window with and without the cut, √JSD, between 0 and 1."""
        (low, start), (stop, high) = self.window.sidebands
        beside = ((low <= self.mass) & (self.mass < start)) | ((stop <= self.mass) & (self.mass < high))
        passing, failing = self.mass[beside & self.passes], self.mass[beside & ~self.passes]
        if min(len(passing), len(failing)) < MIN_ENTRIES:
            return None
        bins = np.unique(np.quantile(self.mass[beside], np.linspace(0, 1, _BLOCKS + 1)[1:-1]))
        shapes = [np.bincount(np.searchsorted(bins, part), minlength=len(bins) + 1) for part in (passing, failing)]
        return float(np.sqrt(jensen_shannon(*shapes)))


def fitted_cut(passed: Passed, fit: FitSettings, signal: int | None = None) -> tuple[CutResult, BackgroundFit | None]:
    """Return what a cut finds where the background in the window is that of a fit to the spectrum beside it.

    Args:
        passed: the entries.
        fit: settings of fits.
        signal: entries of signal in the window that pass, where they are known.

    Returns:
        The result, and the fit; None where there is none: the result says why.
    """
    counts = passed.counts
    bare = record.Spectrum(tuple(passed.edges), tuple(float(n) for n in counts))
    known: dict[str, Any] = {"sculpting": None if passed.efficiency == 1 else passed.sculpting, "signal": signal}
    beside = int(counts.sum()) - passed.observed
    if counts.sum() < MIN_ENTRIES or beside < MIN_ENTRIES:
        where = "" if counts.sum() < MIN_ENTRIES else " beside the window"
        failure = (
            f"{beside if where else counts.sum()} entries beyond the cut{where}; at least {MIN_ENTRIES} are needed for "
            "a p-value"
        )
        return CutResult(
            passed.efficiency, passed.observed, spectrum=_failed(bare, failure), failure=failure, **known
        ), None
    try:
        window = (passed.window.low, passed.window.high)
        found = choose_order(_spectrum(passed), window, fit.function, fit.sqrt_s, cast(Any, fit.test)).fit
        prediction = found.predict(window)
        significance = counting_significance(passed.observed, prediction.count, prediction.error)
    except (FitError, UserError) as error:
        failure = str(error)
        return CutResult(
            passed.efficiency, passed.observed, spectrum=_failed(bare, failure), failure=failure, **known
        ), None
    goodness = found.goodness
    if goodness.p_value < WORST_FIT:
        failure = (
            f"{fit.function} with {found.n_parameters} parameters does not describe the spectrum beside the window "
            f"(χ² = {goodness.chi2:.0f} of {goodness.ndf}, p = {goodness.p_value:.1g}): choose another fit.function, "
            "or a scan.range without the ends where the spectrum bends"
        )
        return CutResult(
            passed.efficiency, passed.observed, spectrum=_failed(bare, failure), failure=failure, **known
        ), None
    spectrum = record.Spectrum(
        bare.edges, bare.counts, found.expected.tolist(), found.expected_errors.tolist(),
        f"{fit.function}, {found.n_parameters} parameters",
        {f"p{i}": float(value) for i, value in enumerate(found.parameters)},
        goodness.chi2, goodness.ndf, goodness.p_value,
    )  # fmt: skip
    result = CutResult(
        passed.efficiency, passed.observed, prediction.count, prediction.error, significance.z, significance.p,
        spectrum=spectrum, **known,
    )  # fmt: skip
    return result, found


def template_cut(
    passed: Passed,
    reference: NDArray[np.bool_],
    folds: int,
    systematic: float,
    signal: int | None = None,
    beside: bool = True,
) -> CutResult:
    """Return what a cut finds where the background in the window is all entries there times the template's efficiency.

    N_exp = ε N (1 ± δ), with the binomial error of ε; N holds the signal, which makes the excess a little smaller. Of n
    entries of a template k pass a cut that was put at their own quantile, and of another entry of the same kind that is
    (k + 1)/(n + 1) likely, the mean of an order statistic, not k/n: ε = (k + K)/(n + K) of K folds of one size.

    Args:
        passed: the entries.
        reference: `(M,)` which entries of the template pass.
        folds: K, each with a cut of its own.
        systematic: δ.
        signal: as in `fitted_cut`.
        beside: whether entries beside the window have scores.
    """
    counts = record.Spectrum(tuple(passed.edges), tuple(float(n) for n in passed.counts)) if beside else None
    known: dict[str, Any] = {
        "spectrum": counts,
        "signal": signal,
        "sculpting": passed.sculpting if beside and passed.efficiency < 1 else None,
    }
    n, k = len(reference), int(reference.sum())
    if passed.efficiency == 1:
        return CutResult(
            1.0, passed.observed, failure="without a cut a template says nothing of the number of entries", **known
        )
    if k < MIN_ENTRIES or passed.observed < MIN_ENTRIES:
        few = f"{k} entries of the template" if k < MIN_ENTRIES else f"{passed.observed} entries"
        failure = f"{few} beyond the cut; at least {MIN_ENTRIES} are needed for a p-value"
        return CutResult(passed.efficiency, passed.observed, failure=failure, **known)
    total = int(passed.inside.sum())
    expected = total * (k + folds) / (n + folds)
    error = expected * float(np.sqrt((1 - k / n) / k + systematic**2))
    found = counting_significance(passed.observed, expected, error)
    return CutResult(passed.efficiency, passed.observed, expected, error, found.z, found.p, **known)


def with_limits(cut: CutResult) -> CutResult:
    """Return a result with upper limits at 95% CL on the signal beyond the cut, where a background is known."""
    if cut.expected is None or cut.error is None:
        return cut
    try:
        found = counting_limit(cut.observed, cut.expected, cut.error)
    except (FitError, UserError):
        return cut
    names = ("-2", "-1", "median", "1", "2")
    return replace(cut, limits={"observed": found.observed, **dict(zip(names, found.expected, strict=True))})


def _spectrum(passed: Passed) -> Spectrum:
    return Spectrum(np.asarray(passed.edges, dtype=np.float64), passed.counts.astype(np.float64))


def _failed(bare: record.Spectrum, failure: str) -> record.Spectrum:
    return record.Spectrum(bare.edges, bare.counts, failure=failure)
