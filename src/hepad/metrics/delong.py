"""Uncertainty of an AUC and of the difference of two AUCs, without resampling.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837: the variance of the Mann-Whitney statistic from the
placement values of either sample. Computed by sorting, O(N log N), as Sun and Xu, IEEE Signal Processing Letters
21 (2014) 1389, rather than over all N·M pairs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from hepad.metrics.arrays import FloatArray, as_scores
from hepad.metrics.placements import placements


@dataclass(frozen=True)
class AucDifference:
    """The AUC of model A minus that of model B on the same entries.

    Attributes:
        difference: AUC(A) − AUC(B).
        standard_error: its standard error, the correlation of the two models included.
        p_value: two-sided probability of a difference at least as large if the true one were zero.
    """

    difference: float
    standard_error: float
    p_value: float


def auc_variance(background: ArrayLike, signal: ArrayLike) -> float:
    """DeLong's variance of the AUC: Var(V₁₀)/M + Var(V₀₁)/N.

    V₁₀ are the placements of the M signal entries among the background, V₀₁ those of the N background entries
    among the signal.

    Raises:
        ValueError: fewer than two entries on either side, or NaN or infinite scores.
    """
    b, s = _at_least_two(background, "background"), _at_least_two(signal, "signal")
    return float(_covariance(_components([np.sort(b)], [np.sort(s)]))[0, 0])


def auc_interval(background: ArrayLike, signal: ArrayLike, level: float = 0.68) -> tuple[float, float]:
    """A central confidence interval of the AUC, always within [0, 1].

    Symmetric on the logit scale, ln(A / (1 − A)) ± z·σ / (A(1 − A)) with DeLong's σ, which keeps it inside [0, 1]
    and gives it the right asymmetry close to 1. Where the samples do not overlap at all (A = 0 or 1), DeLong's
    variance is zero and says nothing; the interval is then that of a proportion (Clopper-Pearson) in which all of
    min(N, M) entries were ranked rightly.

    Args:
        background: (N,) scores of the background, N ≥ 2.
        signal: (M,) scores of the signal, M ≥ 2.
        level: the interval's coverage, between 0 and 1.

    Returns:
        The low and the high end.

    Raises:
        ValueError: fewer than two entries on either side, NaN or infinite scores, or a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} of an interval: expected a number between 0 and 1")
    b, s = _at_least_two(background, "background"), _at_least_two(signal, "signal")
    components = _components([np.sort(b)], [np.sort(s)])
    area, variance = float(components.aucs[0]), float(_covariance(components)[0, 0])
    if area in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / min(b.size, s.size))
        return (bound, 1.0) if area == 1.0 else (0.0, 1 - bound)
    half_width = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance) / (area * (1 - area))
    center = special.logit(area)
    return float(special.expit(center - half_width)), float(special.expit(center + half_width))


def auc_difference(
    background_a: ArrayLike, signal_a: ArrayLike, background_b: ArrayLike, signal_b: ArrayLike
) -> AucDifference:
    """Compare two models that scored the same entries.

    Paired: entries hard for both models count once, so a small difference between similar models can be seen.

    Args:
        background_a: (N,) scores that model A gave to the background.
        signal_a: (M,) scores that model A gave to the signal.
        background_b: (N,) scores that model B gave to the same background entries, in the same order.
        signal_b: (M,) scores that model B gave to the same signal entries, in the same order.

    Raises:
        ValueError: the two models scored different numbers of entries, fewer than two on either side, or NaN or
            infinite scores.
    """
    backgrounds = [_at_least_two(values, "background") for values in (background_a, background_b)]
    signals = [_at_least_two(values, "signal") for values in (signal_a, signal_b)]
    for what, (a, b) in (("background", backgrounds), ("signal", signals)):
        if a.size != b.size:
            raise ValueError(f"{what}: {a.size} entries scored by one model and {b.size} by the other")
    components = _components(backgrounds, signals)
    contrast = np.array([1.0, -1.0])
    difference = float(contrast @ components.aucs)
    error = float(np.sqrt(max(contrast @ _covariance(components) @ contrast, 0.0)))
    if error == 0:
        return AucDifference(difference, 0.0, 1.0 if difference == 0 else 0.0)
    return AucDifference(difference, error, float(2 * stats.norm.sf(abs(difference) / error)))


@dataclass(frozen=True, eq=False)
class _Components:
    aucs: FloatArray  # (K,) one per model
    v10: FloatArray  # (K, M) signal placed among the background
    v01: FloatArray  # (K, N) background placed among the signal


def _components(backgrounds: list[FloatArray], signals: list[FloatArray]) -> _Components:
    v10 = np.stack([placements(s, b) for b, s in zip(backgrounds, signals, strict=True)])
    v01 = np.stack([1 - placements(b, s) for b, s in zip(backgrounds, signals, strict=True)])
    return _Components(v10.mean(axis=1), v10, v01)


def _covariance(components: _Components) -> FloatArray:
    """(K, K) covariance of the K AUCs."""
    covariance: FloatArray = sum(np.atleast_2d(np.cov(v)) / v.shape[1] for v in (components.v10, components.v01))
    return covariance


def _at_least_two(values: ArrayLike, what: str) -> FloatArray:
    scores = as_scores(values, f"{what} scores")
    if scores.size < 2:
        raise ValueError(f"{what}: an uncertainty needs at least 2 entries")
    return scores
