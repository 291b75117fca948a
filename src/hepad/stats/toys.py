"""Toys of a bump hunt that are refitted, and the local and global p-values they give.

A toy is a spectrum drawn from the background that was fitted to data; all that was done with the data is done with it
again: side-band fits, errors, q0. Numbers drawn for toy i depend on the seed and i alone, and fits are made in fixed
blocks of toys, so that a job in parts, or one that goes on, finds the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.fits import BackgroundFit
from hepad.stats.scan import BumpHunt, scan_many
from hepad.stats.spectrum import FloatArray

BLOCK: Final = 128
"""Toys fitted at once; a part that begins inside a block fits all of it."""


@dataclass(frozen=True)
class GlobalP:
    """Probability of an excess as significant as the largest one, anywhere in the scan, without a signal.

    Attributes:
        p: (k + 1)/(n + 1), never 0.
        error: its binomial standard error.
        exceeding: k, toys whose largest Z is that of the data or more.
        toys: n, toys with a result.
        best: channel and window of the largest Z.
        best_z: that Z.
        local: `(C, W)` local p-values of the same toys, (k + 1)/(n + 1) in each window.

    >>> import numpy as np
    >>> from hepad.stats import global_p
    >>> found = global_p([[2.5, 0.1]], np.random.default_rng(0).normal(size=(999, 1, 2)))
    >>> found.p, found.best, found.local.round(3).tolist()
    (0.009, (0, 0), [[0.004, 0.45]])
    """

    p: float
    error: float
    exceeding: int
    toys: int
    best: tuple[int, int]
    best_z: float
    local: FloatArray

    @property
    def z(self) -> float:
        """Global significance, Φ⁻¹(1 − p)."""
        return float(norm.isf(self.p))


def draw_toys(
    nulls: Sequence[BackgroundFit],
    seed: int,
    n_toys: int,
    first: int = 0,
    nested: bool = False,
    fluctuate: bool = False,
) -> FloatArray:
    """Draw spectra from fitted backgrounds.

    By default the parameters of the fit are the truth of all toys, the parametric bootstrap: under the hypothesis of no
    signal these are the most likely ones, and refitting brings the uncertainty of a fit into every toy (B. Efron,
    R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 6). With `fluctuate` each toy has parameters drawn
    from the fit's covariance: a prior predictive p-value, whose toys vary more. For a statistic that hardly depends on
    the parameters, as q0, both agree: a check.

    Args:
        nulls: C fits to all bins of a channel (a cut on the score), without a window.
        seed: of all toys.
        n_toys: how many.
        first: number of the first one.
        nested: true where each channel's events are among those of the one before, as for tighter and tighter cuts on
            one score; toys share them as data do. Otherwise channels are drawn independently.
        fluctuate: draw parameters too.

    Returns:
        `(n_toys, C, B)`.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, draw_toys, equal_bins, fit_background
    >>> edges = equal_bins(2600, 6000, 34)
    >>> fit = fit_background(Spectrum(edges, np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))))
    >>> toys = draw_toys([fit], seed=1, n_toys=20)
    >>> toys.shape, np.array_equal(draw_toys([fit], seed=1, n_toys=5, first=15), toys[15:])
    ((20, 1, 34), True)
    """
    _check_nulls(nulls, nested)
    expected = np.stack([null.expected for null in nulls])
    spreads = [np.linalg.cholesky(null.theta_covariance) for null in nulls] if fluctuate else []
    toys = np.empty((n_toys, *expected.shape))
    for i in range(n_toys):
        rng = np.random.default_rng([seed, first + i])
        if fluctuate:
            drawn = [
                null.theta + spread @ rng.normal(size=null.n_parameters)
                for null, spread in zip(nulls, spreads, strict=True)
            ]
            expected = np.stack([null.shape.expected(theta) for null, theta in zip(nulls, drawn, strict=True)])
        toys[i] = _draw(expected, rng, nested)
    return toys


def _draw(expected: FloatArray, rng: np.random.Generator, nested: bool) -> FloatArray:
    if not nested:
        return rng.poisson(expected).astype(np.float64)
    # What passes a cut and not the next one is independent of the rest.
    apart = np.maximum(expected - np.vstack([expected[1:], np.zeros(expected.shape[1])]), 0.0)
    return np.asarray(rng.poisson(apart)[::-1].cumsum(axis=0)[::-1], dtype=np.float64)


def scan_toys(
    hunt: BumpHunt,
    nulls: Sequence[BackgroundFit],
    seed: int,
    n_toys: int,
    first: int = 0,
    nested: bool = False,
    fluctuate: bool = False,
) -> FloatArray:
    """Return Z of all channels and windows of toys that are refitted, NaN where a fit did not converge.

    Windows of a toy share its spectrum, and channels its events where they are nested: the largest Z of a toy has the
    correlations of the data's.

    Args:
        hunt: procedure of the scan.
        nulls, seed, n_toys, first, nested, fluctuate: as in `draw_toys`.

    Returns:
        `(n_toys, C, W)`.

    Raises:
        UserError: fits of other bins than the scan's, or with a window left out.

    >>> import numpy as np
    >>> from hepad.stats import BumpHunt, Spectrum, equal_bins, fit_background, scan_toys
    >>> edges = equal_bins(2600, 6000, 34)
    >>> fit = fit_background(Spectrum(edges, np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))))
    >>> z = scan_toys(BumpHunt(edges, ((3300, 3700),)), [fit], seed=1, n_toys=400)
    >>> z.shape, bool(abs(z.mean()) < 0.2), bool(abs(z.std() - 1) < 0.15)
    ((400, 1, 1), True, True)
    """
    _check_nulls(nulls, nested)
    if not np.array_equal(nulls[0].spectrum.edges, hunt.edges):
        raise UserError("the fits have other bins than the scan")
    found = []
    for begin in range(first - first % BLOCK, first + n_toys, BLOCK):
        toys = draw_toys(nulls, seed, BLOCK, begin, nested, fluctuate)
        z = np.stack([scan_many(hunt, toys[:, channel]).z for channel in range(len(nulls))], axis=1)
        found.append(z[max(first - begin, 0) : first + n_toys - begin])
    return np.concatenate(found) if found else np.empty((0, len(nulls), len(hunt.windows)))


def global_p(z: ArrayLike, toys: ArrayLike) -> GlobalP:
    """Return the global p-value of a scan: the share of toys with a Z as large, in any channel and window.

    The largest Z is the smallest local p-value (`-ln min p` is BumpHunter's statistic: G. Choudalakis,
    arXiv:1101.0390). A window whose fit did not converge has no Z, in data and toys alike.

    Args:
        z: `(C, W)` of data.
        toys: `(T, C, W)` of toys (`scan_toys`).

    Raises:
        UserError: different windows, or no window or toy with a result.

    >>> import numpy as np
    >>> from hepad.stats import global_p
    >>> toys = np.random.default_rng(0).normal(size=(999, 3, 9))
    >>> one, all_of_27 = global_p([[2.5]], toys[:, :1, :1]), global_p(np.full((3, 9), 2.5), toys)
    >>> one.p, all_of_27.p
    (0.005, 0.147)
    """
    found, drawn = np.atleast_2d(np.asarray(z, dtype=np.float64)), np.asarray(toys, dtype=np.float64)
    if drawn.ndim != 3 or drawn.shape[1:] != found.shape:
        raise UserError(f"toys {drawn.shape} of other channels and windows than the data, {found.shape}")
    usable = np.isfinite(drawn).any(axis=(1, 2))
    if not np.isfinite(found).any() or not usable.any():
        raise UserError("no window of the scan or no toy has a result: no fit converged")
    best = np.unravel_index(int(np.nanargmax(found)), found.shape)
    largest = float(found[best])
    drawn = drawn[usable]
    exceeding, n = int((np.nanmax(drawn, axis=(1, 2)) >= largest).sum()), len(drawn)
    p = (exceeding + 1) / (n + 1)
    # A comparison with NaN is false, so toys without a result in a window are not counted there.
    local = ((drawn >= found).sum(axis=0) + 1) / (np.isfinite(drawn).sum(axis=0) + 1)
    local = np.where(np.isfinite(found), local, np.nan)
    error = float(np.sqrt(p * (1 - p) / n))
    return GlobalP(p, error, exceeding, n, (int(best[0]), int(best[1])), largest, local)


def _check_nulls(nulls: Sequence[BackgroundFit], nested: bool) -> None:
    if not nulls:
        raise UserError("toys need a fitted background")
    for null in nulls:
        if null.window is not None:
            raise UserError("toys are drawn from fits to all bins, and one leaves out a window")
        if not np.array_equal(null.spectrum.edges, nulls[0].spectrum.edges):
            raise UserError("the channels' fits have different bins")
    totals = [null.spectrum.total for null in nulls]
    if nested and totals != sorted(totals, reverse=True):
        raise UserError(f"nested channels go from the loosest to the tightest cut, not {totals} events")
