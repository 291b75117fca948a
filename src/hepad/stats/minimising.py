"""Minimisation of −ln L with MINUIT, from several places, and the error of a fit that does not converge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hepad.core.errors import UserError
from hepad.stats.spectrum import FloatArray


class FitError(Exception):
    """A fit has no result: it did not converge, or its covariance is not that of a minimum.

    Whoever catches it shows the reason in place of a number.

    >>> from hepad.stats import FitError
    >>> str(FitError("the fit of dijet with 5 parameters did not converge"))
    'the fit of dijet with 5 parameters did not converge'
    """


@dataclass(frozen=True)
class Minimum:
    """Minimum of −ln L.

    Attributes:
        values: `(K,)`.
        covariance: `(K, K)`, inverse of the second derivatives (HESSE).
        value: −ln L there.
    """

    values: FloatArray
    covariance: FloatArray
    value: float


def minimise(
    nll: Callable[[FloatArray], float],
    gradient: Callable[[FloatArray], FloatArray],
    starts: Sequence[FloatArray],
    title: str,
    covariance: FloatArray | None = None,
) -> Minimum:
    """Return the lowest minimum of −ln L found from several places (MIGRAD, then HESSE).

    F. James, M. Roos, Computer Physics Communications 10 (1975) 343; iminuit, doi:10.5281/zenodo.3949207.

    Args:
        nll, gradient: of parameters `(K,)`.
        starts: places to begin at.
        title: of the fit, for the message.
        covariance: `(K, K)` rough covariance of the parameters; MINUIT is given parameters that are uncorrelated and of
            the order of 1 by it.

    Raises:
        UserError: iminuit is not installed.
        FitError: no start leads to a minimum with a positive definite covariance.

    >>> import numpy as np
    >>> from hepad.stats.minimising import minimise
    >>> found = minimise(lambda p: float((p[0] - 3) ** 2), lambda p: 2 * (p - 3), [np.zeros(1)], "a parabola")
    >>> found.values.round(4), found.covariance.round(4)
    (array([3.]), array([[0.5]]))
    """
    try:
        from iminuit import Minuit
    except ModuleNotFoundError as error:
        raise UserError('a background fit needs iminuit: pip install "hepad[search]"') from error
    center = starts[0]
    spread = np.eye(center.size) if covariance is None else np.linalg.cholesky(covariance)
    best: Minuit | None = None
    for start in starts:
        if not np.isfinite(start).all():
            continue
        minuit = Minuit(
            lambda u: nll(center + spread @ u),
            np.linalg.solve(spread, start - center),
            grad=lambda u: spread.T @ gradient(center + spread @ u),
        )
        minuit.errordef, minuit.strategy, minuit.tol = Minuit.LIKELIHOOD, 1, 0.01
        minuit.migrad()
        if minuit.valid and (best is None or minuit.fval < best.fval):
            best = minuit
    if best is None:
        raise FitError(f"{title} did not converge: no minimum from {len(starts)} starts")
    best.hesse()
    found = None if best.covariance is None else np.asarray(best.covariance, dtype=np.float64)
    if found is None or not best.accurate or not best.valid or not np.isfinite(found).all():
        raise FitError(f"{title} has no covariance: some parameter is not determined, take fewer")
    return Minimum(center + spread @ np.array(best.values), spread @ found @ spread.T, float(best.fval))
