"""Profiling of a background's parameters for a fixed signal, by Fisher scoring."""

from collections.abc import Callable

import numpy as np

from hepad.stats.goodness import deviance_terms
from hepad.stats.minimising import FitError
from hepad.stats.spectrum import FloatArray

_STEPS = 100


def profile(
    expected_and_slopes: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    counts: FloatArray,
    signal: FloatArray,
    start: FloatArray,
    centers: FloatArray | None = None,
) -> tuple[float, FloatArray]:
    """Return the least deviance over the parameters of a background, and these, for a fixed signal.

    Args:
        expected_and_slopes: gives `(B,)` background and `(B, K)` derivatives for parameters `(K,)`.
        counts: `(B,)`.
        signal: `(B,)` events.
        start: `(K,)` where to begin.
        centers: `(K,)` of unit normal constraints of the parameters; none without.

    Raises:
        FitError: no minimum within 100 steps of Fisher scoring.
    """
    held = 0.0 if centers is None else 1.0
    middle = np.zeros(start.size) if centers is None else centers

    def value(theta: FloatArray) -> float:
        mu = expected_and_slopes(theta)[0] + signal
        return float(deviance_terms(counts, mu).sum() + held * np.square(theta - middle).sum())

    theta, best = start, value(start)
    for _ in range(_STEPS):
        mu, slopes = expected_and_slopes(theta)
        mu = mu + signal
        score = (counts / mu - 1) @ slopes - held * (theta - middle)
        step = np.linalg.solve(slopes.T @ (slopes / mu[:, None]) + held * np.eye(theta.size), score)
        if step @ score < 1e-9:
            return best, theta
        shrunk = 1.0
        while (found := value(theta + shrunk * step)) > best + 1e-12 * abs(best) and shrunk > 1e-6:
            shrunk /= 4
        if not found <= best + 1e-12 * abs(best):
            break
        theta, best = theta + shrunk * step, found
    raise FitError("the background of a limit did not converge for a fixed signal: take fewer parameters")


def far_too_many(counts: FloatArray, background: FloatArray, signal: FloatArray, sigma: FloatArray) -> float:
    """Return 20 σ above what is seen or expected, in the bins where the signal is."""
    seen = signal > 0.05 * signal.max()
    level, expected = max(counts[seen].sum(), background[seen].sum()), background[seen].sum()
    spread = np.sqrt(level + np.square(sigma[seen].sum()))
    return float((20 * spread + level - expected + 100) / signal[seen].sum())
