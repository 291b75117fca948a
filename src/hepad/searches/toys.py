"""Toys of a search: p-values of cuts and of the whole scan, by spectra of background alone that are refitted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.searches.record import CutResult, WindowResult
from hepad.searches.settings import FitSettings
from hepad.stats import BumpHunt, FitError, Spectrum, draw_toys, fit_background, global_p, scan_many, signed_z
from hepad.stats.fits import BackgroundFit
from hepad.stats.toys import BLOCK, nested_counts

_SEEDS: Final = 1009
"""Windows have toys of their own: each has its own classifiers, and so its own events beyond a cut."""


@dataclass(frozen=True)
class WindowFindings:
    """Findings of a method in a window.

    Attributes:
        result: for the record.
        fits: cut → fit of the spectrum beside the window, where there is one.
    """

    result: WindowResult
    fits: dict[float, BackgroundFit]


@dataclass(frozen=True)
class ToyResults:
    """P-values of toys.

    Attributes:
        windows: results with the local p-values of toys.
        p_global: of the smallest local p-value; None where there is none.
        toys: how many have a result.
    """

    windows: list[WindowResult]
    p_global: float | None
    toys: int


def with_toys(findings: Sequence[WindowFindings], fit: FitSettings, n_toys: int, seed: int) -> ToyResults:
    """Return results with p-values of toys.

    Cuts of a window share their events, in toys as in data. Windows are drawn independently of each other, so that the
    global p-value of windows that overlap is rather too large.

    Args:
        findings: of all windows.
        fit: settings of fits.
        n_toys: how many; 0 for none.
        seed: of all toys.
    """
    windows = [found.result for found in findings]
    known = [[cut.efficiency for cut in window.cuts if cut.z is not None] for window in windows]
    if not n_toys or not any(known):
        return ToyResults(windows, None, 0)
    columns: list[NDArray[np.float64]] = []
    for i, (found, cuts) in enumerate(zip(findings, known, strict=True)):
        if cuts:
            columns.append(_window_toys(found, cuts, fit, n_toys, seed + _SEEDS * i))
    data = [cut.z for window in windows for cut in window.cuts if cut.z is not None]
    toys = np.concatenate(columns, axis=1)
    try:
        whole = global_p([data], toys[:, None, :])
    except UserError:
        return ToyResults(windows, None, 0)
    local = iter(whole.local[0].tolist())
    told = [
        replace(window, cuts=[cut if cut.z is None else _with_p(cut, next(local)) for cut in window.cuts])
        for window in windows
    ]
    return ToyResults(told, whole.p, whole.toys)


def _with_p(cut: CutResult, p: float) -> CutResult:
    return replace(cut, p_toys=p if np.isfinite(p) else None)


def _window_toys(
    found: WindowFindings, cuts: Sequence[float], fit: FitSettings, n_toys: int, seed: int
) -> NDArray[np.float64]:
    """Return Z of each cut of a window in toys, `(n_toys, cuts)`; NaN where a fit did not converge."""
    z = np.full((n_toys, len(cuts)), np.nan)
    results = {cut.efficiency: cut for cut in found.result.cuts}
    fitted = [cut for cut in cuts if cut in found.fits]
    z[:, [cuts.index(cut) for cut in fitted]] = _fitted_toys([found.fits[cut] for cut in fitted], fit, n_toys, seed)
    counted = [cut for cut in cuts if cut not in found.fits]
    z[:, [cuts.index(cut) for cut in counted]] = _counted_toys([results[cut] for cut in counted], n_toys, seed)
    return z


def _fitted_toys(fits: Sequence[BackgroundFit], fit: FitSettings, n_toys: int, seed: int) -> NDArray[np.float64]:
    """Draw spectra of background alone, fit what is beside the window of each, and return Z, `(n_toys, cuts)`."""
    nulls: dict[int, BackgroundFit] = {}
    for i, beside in enumerate(fits):
        spectrum = beside.spectrum
        try:
            nulls[i] = fit_background(
                Spectrum(spectrum.edges, spectrum.counts), None, fit.function, beside.n_parameters, fit.sqrt_s
            )
        except (FitError, UserError):
            continue
    z = np.full((n_toys, len(fits)), np.nan)
    if not nulls:
        return z
    for first in range(0, n_toys, BLOCK):
        toys = draw_toys(list(nulls.values()), seed, min(BLOCK, n_toys - first), first, nested=True)
        for column, i in enumerate(nulls):
            beside = fits[i]
            assert beside.window is not None
            hunt = BumpHunt(beside.spectrum.edges, (beside.window,), fit.function, beside.n_parameters, fit.sqrt_s)
            z[first : first + len(toys), i] = scan_many(hunt, toys[:, column]).z[:, 0]
    return z


def _counted_toys(cuts: Sequence[CutResult], n_toys: int, seed: int) -> NDArray[np.float64]:
    """Draw counts of cuts with the background of a template and its uncertainty; return Z, `(n_toys, cuts)`."""
    if not cuts:
        return np.zeros((n_toys, 0))
    expected, error = (np.array([getattr(cut, name) for cut in cuts]) for name in ("expected", "error"))
    rng = np.random.default_rng([seed, 1])
    true = np.maximum(expected + error * rng.standard_normal((n_toys, len(cuts))), 0.0)
    return signed_z(nested_counts(true, rng, axis=1), expected, error)
