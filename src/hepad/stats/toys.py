"""Toys of a bump hunt that are refitted.

A toy is a spectrum drawn from the background that was fitted to data; all that was done with the data is done with it
again: side-band fits, errors, q0. Numbers drawn for toy i depend on the seed and i alone, and fits are made in fixed
blocks of toys, so that a job in parts, or one that goes on, finds the same bits.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from hepad.core.errors import UserError
from hepad.stats.fits import BackgroundFit
from hepad.stats.scan import BumpHunt, scan_many
from hepad.stats.spectrum import FloatArray

BLOCK: Final = 128
"""Toys fitted at once; a part that begins inside a block fits all of it."""


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
        toys[i] = nested_counts(expected, rng) if nested else rng.poisson(expected)
    return toys


def nested_counts(expected: FloatArray, rng: np.random.Generator, axis: int = 0) -> FloatArray:
    """Draw counts beyond cuts, each of which keeps a part of what the one before keeps.

    What passes a cut and not the next one is independent of the rest.

    Args:
        expected: counts, with the cuts along an axis from the loosest to the tightest.
        rng: the random numbers.
        axis: of the cuts.

    >>> import numpy as np
    >>> from hepad.stats.toys import nested_counts
    >>> drawn = nested_counts(np.array([[50.0, 60.0], [8.0, 9.0]]), np.random.default_rng(0))
    >>> bool((drawn[1] <= drawn[0]).all())
    True
    """
    apart = np.maximum(-np.diff(expected, axis=axis, append=0.0), 0.0)
    return np.flip(np.flip(rng.poisson(apart), axis).cumsum(axis), axis).astype(np.float64)


def scan_toys(
    hunt: BumpHunt | Sequence[BumpHunt],
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
        hunt: procedure of the scan; one for each channel where they have different numbers of parameters.
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
    hunts = [hunt] * len(nulls) if isinstance(hunt, BumpHunt) else list(hunt)
    if len(hunts) != len(nulls) or any(other.windows != hunts[0].windows for other in hunts):
        raise UserError(f"{len(hunts)} procedures for {len(nulls)} channels: one for each, all with the same windows")
    if any(not np.array_equal(nulls[0].spectrum.edges, other.edges) for other in hunts):
        raise UserError("the fits have other bins than the scan")
    found = []
    for begin in range(first - first % BLOCK, first + n_toys, BLOCK):
        toys = draw_toys(nulls, seed, BLOCK, begin, nested, fluctuate)
        z = np.stack([scan_many(other, toys[:, channel]).z for channel, other in enumerate(hunts)], axis=1)
        found.append(z[max(first - begin, 0) : first + n_toys - begin])
    return np.concatenate(found) if found else np.empty((0, len(nulls), len(hunts[0].windows)))


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
