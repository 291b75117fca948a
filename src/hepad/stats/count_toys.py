"""Toys of counts above cuts whose background is predicted with an error, as by a template."""

import numpy as np
from numpy.typing import ArrayLike

from hepad.core.errors import UserError
from hepad.stats.significance import Constraint, check_constraint, signed_z
from hepad.stats.spectrum import FloatArray
from hepad.stats.toys import nested_counts


def count_toys(
    expected: ArrayLike,
    error: ArrayLike,
    seed: int,
    n_toys: int,
    first: int = 0,
    nested: bool = False,
    constraint: Constraint = "gamma",
) -> FloatArray:
    """Return Z of toys of counts, for `global_p` of a search that counts in windows.

    In each toy the count is drawn from what is expected, and the prediction is made anew: a Gaussian b ± σ, or the
    count of a control region (`gamma`). Windows are independent, and predictions of all cuts; where they share events
    in data, the global p-value is too large rather than too small. Numbers of a toy depend on the seed and its number
    alone.

    Args:
        expected: `(C, W)` background of cuts and windows (`template_background`).
        error: `(C, W)` its standard errors.
        seed, n_toys, first: as in `draw_toys`.
        nested: true where each cut's events are among those of the one before.
        constraint: as in `counting_significance`.

    Returns:
        `(n_toys, C, W)`.

    Raises:
        UserError: nothing expected, or NaN.

    >>> from hepad.stats import count_toys
    >>> z = count_toys([[50.0, 60.0], [8.0, 9.0]], [[4.0, 4.0], [1.0, 1.0]], seed=0, n_toys=1000, nested=True)
    >>> z.shape, bool(abs(z.std() - 1) < 0.1)
    ((1000, 2, 2), True)
    """
    check_constraint(constraint)
    b, sigma = (np.atleast_2d(np.asarray(values, dtype=np.float64)) for values in (expected, error))
    if b.shape != sigma.shape or not (np.isfinite(b).all() and np.isfinite(sigma).all()):
        raise UserError(
            f"{b.shape} expected counts and {sigma.shape} errors: a number of each for all cuts and windows"
        )
    if (b <= 0).any() or (sigma < 0).any():
        raise UserError("toys of counts need an expected background above 0 and errors of 0 or more")
    if nested and (np.diff(b, axis=0) > 0).any():
        raise UserError("nested cuts go from the loosest to the tightest, whose background is smaller")
    toys = np.empty((2, n_toys, *b.shape))
    for i in range(n_toys):
        rng = np.random.default_rng([seed, first + i])
        toys[0, i] = nested_counts(b, rng) if nested else rng.poisson(b)
        toys[1, i] = _predict(b, sigma, rng, constraint)
    # A control region has the same exposure in every toy: σ² is proportional to its count.
    spread = sigma * np.sqrt(toys[1] / b) if constraint == "gamma" else sigma
    return signed_z(toys[0], toys[1], spread, constraint)


def _predict(b: FloatArray, sigma: FloatArray, rng: np.random.Generator, constraint: Constraint) -> FloatArray:
    if constraint == "gaussian":
        return np.maximum(rng.normal(b, sigma), 1e-3 * b)
    measured = np.where(sigma > 0, b / np.maximum(sigma, 1e-12 * b) ** 2, 1.0)
    counts = rng.poisson(np.minimum(measured * b, 1e15))
    return np.where(sigma > 0, np.maximum(counts, 0.5) / measured, b)
