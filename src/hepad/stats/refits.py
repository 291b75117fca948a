"""Refits of many spectra at once, by Fisher scoring: the same minima as MINUIT's, some thousand a second.

θ ← θ + I(θ)⁻¹ U(θ) with U = Σ (n_b/μ_b − 1) ∂μ_b and I = Σ ∂μ_b ∂μ_bᵀ/μ_b, shortened until the likelihood rises:
P. McCullagh, J. Nelder, Generalized Linear Models (1989), section 2.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepad.stats.goodness import deviance_terms
from hepad.stats.shapes import Shape, start_parameters
from hepad.stats.spectrum import BoolArray, FloatArray

_STEPS = 60
_HALVINGS = 6
_CLOSE = 1e-7  # Expected distance to the minimum of the deviance (EDM) at which a fit has converged.


@dataclass(frozen=True)
class Refits:
    """Fits of T spectra.

    Attributes:
        theta: `(T, K)` parameters inside; with a signal its events are the last, in its own scale.
        expected: `(T, B)` of all bins, with the signal.
        slopes: `(T, B, K)` derivatives of the expected counts.
        covariance: `(T, K, K)`, inverse of the second derivatives of −ln L; with a signal, of their expectation.
        deviance: `(T,)` of the fitted bins.
        converged: `(T,)`; all other numbers of a fit that did not are NaN.

    >>> from hepad.stats.refits import Refits
    >>> Refits.__match_args__[-1]
    'converged'
    """

    theta: FloatArray
    expected: FloatArray
    slopes: FloatArray
    covariance: FloatArray
    deviance: FloatArray
    converged: BoolArray


def refit(
    shape: Shape,
    counts: FloatArray,
    fitted: BoolArray,
    signal: FloatArray | None = None,
    start: FloatArray | None = None,
) -> Refits:
    """Fit a background function, and a signal if there is one, to many spectra.

    Args:
        shape: the function on the bins.
        counts: `(T, B)`.
        fitted: `(B,)`, true for bins that are fitted.
        signal: `(B,)` events of one unit of signal in each bin, of the order of the signal's error.
        start: `(T, K)` where to begin; least squares by default.

    >>> import numpy as np
    >>> from hepad.stats.refits import refit
    >>> from hepad.stats.shapes import make_shape
    >>> shape = make_shape(np.linspace(2600, 6000, 35), "dijet", 3)
    >>> mu = shape.expected(shape.from_formula([5.0, 10.0, 6.0]))
    >>> found = refit(shape, mu[None], np.ones(34, dtype=bool))
    >>> found.converged.tolist(), np.allclose(found.expected, mu)
    ([True], True)
    """
    if start is None:
        start = start_parameters(shape, counts, fitted)
        if signal is not None:
            start = np.concatenate([start, np.zeros((len(counts), 1))], axis=1)
    theta, converged = start.copy(), np.zeros(len(counts), dtype=bool)
    n = counts[:, fitted]
    best = np.full(len(counts), np.inf)
    going = np.flatnonzero(np.isfinite(theta).all(axis=1))
    best[going] = _deviance(n[going], _expected(shape, theta[going], signal)[:, fitted])
    for _ in range(_STEPS):
        if not going.size:
            break
        mu, slopes = _expected_and_slopes(shape, theta[going], signal)
        mu, slopes = mu[:, fitted], slopes[:, fitted]
        score = np.matmul((n[going] / mu - 1)[:, None, :], slopes)[:, 0]
        step, usable = _solve(_information(mu, slopes), score)
        ahead = (step * score).sum(axis=1)
        done = usable & (ahead < _CLOSE)
        converged[going[done]] = True
        keep = usable & ~done & np.isfinite(ahead)
        going, step = going[keep], step[keep]
        going = _advance(shape, n, fitted, signal, theta, best, going, step)
    return _finish(shape, counts, theta, best, fitted, signal, converged)


def _advance(
    shape: Shape,
    n: FloatArray,
    fitted: BoolArray,
    signal: FloatArray | None,
    theta: FloatArray,
    best: FloatArray,
    going: NDArray[np.intp],
    step: FloatArray,
) -> NDArray[np.intp]:
    """Take the steps, a quarter of them where the deviance would rise, and return which fits go on."""
    waiting = np.arange(len(going))
    for _ in range(_HALVINGS):
        if not waiting.size:
            break
        rows = going[waiting]
        trial = theta[rows] + step[waiting]
        value = _deviance(n[rows], _expected(shape, trial, signal)[:, fitted])
        better = value <= best[rows] + 1e-9
        theta[rows[better]], best[rows[better]] = trial[better], value[better]
        waiting = waiting[~better]
        step[waiting] /= 4
    stuck = np.zeros(len(going), dtype=bool)
    stuck[waiting] = True
    return going[~stuck]


def _finish(
    shape: Shape,
    counts: FloatArray,
    theta: FloatArray,
    best: FloatArray,
    fitted: BoolArray,
    signal: FloatArray | None,
    converged: BoolArray,
) -> Refits:
    expected, slopes = _expected_and_slopes(shape, np.where(converged[:, None], theta, 0.0), signal)
    if signal is None:
        information = _observed_information(shape, theta, counts, expected, slopes, fitted)
    else:
        information = _information(expected[:, fitted], slopes[:, fitted])
    information[~converged] = np.eye(theta.shape[1])
    converged &= np.linalg.eigvalsh(information)[:, 0] > 0
    information[~converged] = np.eye(theta.shape[1])
    covariance: FloatArray = np.asarray(np.linalg.inv(information), dtype=np.float64)
    missing = ~converged
    for values in (theta, expected, slopes, covariance, best):
        values[missing] = np.nan
    return Refits(theta, expected, slopes, covariance, best, converged)


def _expected(shape: Shape, theta: FloatArray, signal: FloatArray | None) -> FloatArray:
    if signal is None:
        return shape.expected(theta)
    return shape.expected(theta[:, :-1]) + theta[:, -1:] * signal


def _expected_and_slopes(shape: Shape, theta: FloatArray, signal: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    if signal is None:
        return shape.expected_and_slopes(theta)
    mu, slopes = shape.expected_and_slopes(theta[:, :-1])
    by_signal = np.broadcast_to(signal[:, None], (*mu.shape, 1))
    return mu + theta[:, -1:] * signal, np.concatenate([slopes, by_signal], axis=2)


def _deviance(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """Return the deviance, infinite where an expected count is not above 0."""
    value = deviance_terms(counts, np.maximum(expected, 1e-300)).sum(axis=-1)
    return np.where((expected > 0).all(axis=-1), value, np.inf)


def _information(mu: FloatArray, slopes: FloatArray) -> FloatArray:
    return np.asarray(np.matmul(np.swapaxes(slopes, -1, -2), slopes / mu[..., None]))


def _observed_information(
    shape: Shape, theta: FloatArray, counts: FloatArray, mu: FloatArray, slopes: FloatArray, fitted: BoolArray
) -> FloatArray:
    """Return Σ (n/μ²) ∂μ ∂μᵀ + (1 − n/μ) ∂²μ, where ∂²μ is the integral of the function times φ φᵀ."""
    n, n_parameters = counts[:, fitted], shape.n_parameters
    mu, slopes = mu[:, fitted], slopes[:, fitted]
    first = np.matmul(np.swapaxes(slopes, -1, -2), slopes * (n / np.square(mu))[..., None])
    values = shape.at_points(np.where(np.isfinite(theta), theta, 0.0))[:, fitted] * (1 - n / mu)[..., None]
    basis = shape.basis[fitted].reshape(-1, n_parameters)
    outer = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    return np.asarray(first + (values.reshape(len(n), -1) @ outer).reshape(first.shape))


def _solve(information: FloatArray, score: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the steps, and for which fits the information can be inverted."""
    diagonal = np.einsum("tkk->tk", information)
    scale = 1 / np.sqrt(np.maximum(diagonal, 1e-300))
    scaled = information * scale[:, :, None] * scale[:, None, :]
    usable = np.isfinite(scaled).all(axis=(1, 2)) & np.isfinite(score).all(axis=1)
    scaled[~usable] = np.eye(scaled.shape[-1])
    usable &= np.linalg.eigvalsh(scaled)[:, 0] > 1e-12
    scaled[~usable] = np.eye(scaled.shape[-1])
    return scale * np.linalg.solve(scaled, (scale * score)[..., None])[..., 0], usable
