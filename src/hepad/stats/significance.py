"""Significance of a count above what is expected, with its uncertainty: q0, Z and p by profile likelihood."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, gammainc, xlogy
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.spectrum import FloatArray

Constraint: TypeAlias = Literal["gaussian", "gamma"]


@dataclass(frozen=True)
class Significance:
    """Significance of an excess.

    Attributes:
        signal: events above what is expected; negative for a deficit.
        q0: −2 ln λ(0), and 0 for a deficit: G. Cowan et al., European Physical Journal C 71 (2011) 1554
            (arXiv:1007.1727), equation 12.
        z: √q0; for a deficit negative, so that p-values of deficits stay apart.
        p: one-sided local p-value 1 − Φ(z); 0.5 and more for a deficit.

    >>> from hepad.stats import Significance
    >>> Significance(10.0, 4.0, 2.0, 0.0228).z
    2.0
    """

    signal: float
    q0: float
    z: float
    p: float


def check_constraint(constraint: str) -> None:
    """Check that a constraint of the background exists.

    Raises:
        UserError: it does not.
    """
    if constraint not in get_args(Constraint):
        raise UserError(f"no constraint is called {constraint!r}: there are {', '.join(get_args(Constraint))}")


def profiled_background(
    n: ArrayLike, b: ArrayLike, sigma: ArrayLike, signal: ArrayLike, constraint: Constraint
) -> FloatArray:
    """Return the background that is most likely for a count, given a signal; all arguments are broadcast.

    With β the true background, L = Pois(n | s + β) times N(b | β, σ) (`gaussian`), or times Pois(m | τβ) with
    τ = b/σ² and m = τb (`gamma`), the count of a control region with the same relative error. Both are quadratic in β:

        gaussian   β² + (s − b + σ²) β + (σ² − b) s − n σ² = 0
        gamma      (1 + τ) β² + ((1 + τ) s − n − m) β − m s = 0

    >>> from hepad.stats.significance import profiled_background
    >>> profiled_background([20, 10], 10, 2, 0, "gaussian").round(2)
    array([12.43, 10.  ])
    """
    n, b, sigma, s = (np.asarray(values, dtype=np.float64) for values in (n, b, sigma, signal))
    variance = np.square(sigma)
    if constraint == "gaussian":
        half = (s - b + variance) / 2
        constant = (variance - b) * s - n * variance
        beta = _upper_root(half, constant)
        # Below 0 the Gaussian is cut off.
        return np.asarray(np.where(sigma > 0, np.maximum(beta, 1e-12 * b), b))
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = b / variance
        m = tau * b
        beta = _upper_root((s - (n + m) / (1 + tau)) / 2, -m * s / (1 + tau))
    return np.asarray(np.where(sigma > 0, beta, b))


def _upper_root(half: FloatArray, constant: FloatArray) -> FloatArray:
    """Return the larger root of β² + 2hβ + c = 0 without cancellation."""
    root = np.sqrt(np.maximum(np.square(half) - constant, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(half <= 0, root - half, -constant / (root + half)))


def constrained_deviance(
    n: ArrayLike, expected: ArrayLike, beta: ArrayLike, b: ArrayLike, sigma: ArrayLike, constraint: Constraint
) -> FloatArray:
    """Return −2 ln L of a count and of the constraint, above its least possible value; arguments are broadcast.

    >>> from hepad.stats.significance import constrained_deviance
    >>> constrained_deviance(20, 20.0, 10.0, 10, 2, "gaussian")
    array(0.)
    """
    n, expected, beta, b, sigma = (np.asarray(values, dtype=np.float64) for values in (n, expected, beta, b, sigma))
    with np.errstate(divide="ignore", invalid="ignore"):
        counted = 2 * (expected - n + xlogy(n, n / expected))
        if constraint == "gaussian":
            held = np.where(sigma > 0, np.square((beta - b) / sigma), 0.0)
        else:
            tau = b / np.square(sigma)
            held = np.where(sigma > 0, 2 * tau * (beta - b + xlogy(b, b / beta)), 0.0)
    return np.asarray(counted + held)


def signed_z(n: ArrayLike, b: ArrayLike, sigma: ArrayLike = 0.0, constraint: Constraint = "gaussian") -> FloatArray:
    """Return Z of counts, sign(n − b)·√(−2 ln λ(0)), for arrays; NaN where an argument is.

    With the constraint `gamma` this is the formula of T.-P. Li and Y.-Q. Ma, Astrophysical Journal 272 (1983) 317, for
    n_on = n, n_off = b²/σ² and α = σ²/b; without an error it is √(2(n ln(n/b) − n + b)).

    Args:
        n: counts.
        b: expected, above 0.
        sigma: standard error of `b`.
        constraint: `gaussian` or `gamma`.

    >>> from hepad.stats import signed_z
    >>> signed_z([20, 10, 4], 10.0, 2.0).round(2)
    array([ 2.32,  0.  , -1.86])
    """
    check_constraint(constraint)
    n, b, sigma = (np.asarray(values, dtype=np.float64) for values in (n, b, sigma))
    beta = profiled_background(n, b, sigma, 0.0, constraint)
    q = np.maximum(constrained_deviance(n, beta, beta, b, sigma, constraint), 0.0)
    return np.asarray(np.sign(n - b) * np.sqrt(q))


def counting_significance(n: float, b: float, sigma: float = 0.0, constraint: Constraint = "gaussian") -> Significance:
    """Return the significance of a count n where b ± σ is expected.

    Args:
        n: observed.
        b: expected background.
        sigma: its standard error, of a fit (`BackgroundFit.predict`) or a template.
        constraint: `gaussian`, or `gamma` where b is of a count itself; nearly the same for σ well below b.

    Raises:
        UserError: a negative or missing number, nothing expected.

    >>> from hepad.stats import counting_significance
    >>> found = counting_significance(140, 100.0, 5.0)
    >>> round(found.z, 2), round(found.p, 5)
    (3.35, 0.00041)
    >>> counting_significance(60, 100.0, 5.0).p > 0.5
    True
    """
    _check_count(n, b, sigma)
    z = float(signed_z(n, b, sigma, constraint))
    return Significance(float(n - b), max(z, 0.0) ** 2, z, float(norm.sf(z)))


def exact_p(n: int, b: float, sigma: float = 0.0) -> float:
    """Return the probability of n or more events, averaged over the background of a control region's count.

    This is P(≥ n) of a Poisson with mean b where σ = 0, and else the binomial p-value of on/off counts, exact in its
    coverage or above: R. Cousins, J. Linnemann, J. Tucker, Nuclear Instruments and Methods A 595 (2008) 480
    (arXiv:physics/0702156). For a few events, where asymptotic formulas are rough.

    >>> from hepad.stats import exact_p
    >>> round(exact_p(3, 1.0), 4), round(exact_p(3, 1.0, 0.5), 4)
    (0.0803, 0.148)
    """
    _check_count(n, b, sigma)
    if n == 0:
        return 1.0
    if sigma == 0:
        return float(gammainc(n, b))
    tau = b / sigma**2
    return float(betainc(n, tau * b + 1, 1 / (1 + tau)))


def _check_count(n: float, b: float, sigma: float) -> None:
    if not (np.isfinite(n) and np.isfinite(b) and np.isfinite(sigma)):
        raise UserError(f"a significance of n = {n}, b = {b} and an error of {sigma}: NaN or inf")
    if n < 0 or sigma < 0:
        raise UserError(f"counts and errors are never negative: n = {n:g}, error {sigma:g}")
    if b <= 0:
        raise UserError(f"the expected background is {b:g}: a significance needs some, loosen the cut")
