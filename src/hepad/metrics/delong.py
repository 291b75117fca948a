"""Uncertainty of an AUC and of the difference of two AUCs, without resampling.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837: the variance of the Mann-Whitney statistic from the
placement values of either sample. Computed by sorting, O(N log N), as Sun and Xu, IEEE Signal Processing Letters
21 (2014) 1389, rather than over all N·M pairs.

With weights the AUC is a ratio of weighted sums, and its variance that of Σ w̃ᵢ² (Vᵢ − A)², w̃ = w / Σw, on either side,
times n / (n − 1) with n = (Σw)² / Σw²: entries repeated w times would be taken for w independent ones, and give an
interval too narrow by about √(Σw² / Σw).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hepad.metrics.placements import SortedScores, placements, sort_scores, weighted_mean
from hepad.metrics.samples import FloatArray, effective_entries

_ROUNDING: Final = 1e-14


@dataclass(frozen=True)
class AucDifference:
    """The AUC of model A minus that of model B on the same entries.

    Attributes:
        difference: AUC(A) − AUC(B).
        standard_error: its standard error, the correlation of the two models included.
        p_value: two-sided probability of a difference at least as large if the true one were zero.

    >>> from hepad.metrics import auc_difference
    >>> found = auc_difference([1.0, 2.0, 3.0], [2.0, 4.0], [1.0, 3.0, 2.0], [1.0, 4.0])
    >>> round(found.difference, 3), round(found.standard_error, 3)
    (0.167, 0.186)
    """

    difference: float
    standard_error: float
    p_value: float


def auc_variance(
    background: ArrayLike,
    signal: ArrayLike,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> float:
    """DeLong's variance of the AUC: Var(V₁₀)/M + Var(V₀₁)/N.

    V₁₀ are the placements of the M signal entries among the background, V₀₁ those of the N background entries
    among the signal.

    Raises:
        ValueError: fewer than two entries on either side, NaN or infinite scores, or weights that are no weights.

    >>> import numpy as np
    >>> from hepad.metrics import auc_variance
    >>> rng = np.random.default_rng(0)
    >>> round(auc_variance(rng.normal(0, 1, 1000), rng.normal(1, 1, 1000)) ** 0.5, 4)
    0.0104
    """
    return _weighted_components(background, signal, background_weight, signal_weight).variance


def auc_interval(
    background: ArrayLike,
    signal: ArrayLike,
    level: float = 0.68,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> tuple[float, float]:
    """A central confidence interval of the AUC, always within [0, 1].

    Symmetric on the logit scale, ln(A / (1 − A)) ± z·σ / (A(1 − A)) with DeLong's σ, which keeps it inside [0, 1]
    and gives it the right asymmetry close to 1. Where the samples do not overlap at all (A = 0 or 1), DeLong's
    variance is zero and says nothing; the interval is then that of a proportion (Clopper-Pearson) in which all of
    min(N, M) entries were ranked rightly; of weighted ones, as many as they are worth, (Σw)² / Σw².

    Args:
        background: (N,) scores of the background, N ≥ 2.
        signal: (M,) scores of the signal, M ≥ 2.
        level: the interval's coverage, between 0 and 1.
        background_weight: (N,) weights of the background; None where every entry counts once.
        signal_weight: (M,) weights of the signal.

    Returns:
        The low and the high end.

    Raises:
        ValueError: fewer than two entries on either side, NaN or infinite scores, weights that are no weights, or a
            level outside (0, 1).

    >>> import numpy as np
    >>> from hepad.metrics import auc, auc_interval
    >>> rng = np.random.default_rng(0)
    >>> background, signal = rng.normal(0, 1, 1000), rng.normal(1, 1, 1000)
    >>> low, high = auc_interval(background, signal)
    >>> f"{auc(background, signal):.3f} in [{low:.3f}, {high:.3f}]"
    '0.769 in [0.758, 0.779]'
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} of an interval: expected a number between 0 and 1")
    components = _weighted_components(background, signal, background_weight, signal_weight)
    area, variance = components.auc, components.variance
    if area in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / min(components.n_background, components.n_signal))
        return (bound, 1.0) if area == 1.0 else (0.0, 1 - bound)
    half_width = special.ndtri((1 + level) / 2) * np.sqrt(variance) / (area * (1 - area))
    center = special.logit(area)
    return float(special.expit(center - half_width)), float(special.expit(center + half_width))


def auc_difference(
    background_a: ArrayLike,
    signal_a: ArrayLike,
    background_b: ArrayLike,
    signal_b: ArrayLike,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> AucDifference:
    """Compare two models that scored the same entries.

    Paired: entries hard for both models count once, so a small difference between similar models can be seen.

    Args:
        background_a: (N,) scores that model A gave to the background.
        signal_a: (M,) scores that model A gave to the signal.
        background_b: (N,) scores that model B gave to the same background entries, in the same order.
        signal_b: (M,) scores that model B gave to the same signal entries, in the same order.
        background_weight: (N,) weights of the background; None where every entry counts once.
        signal_weight: (M,) weights of the signal.

    Raises:
        ValueError: the two models scored different numbers of entries, fewer than two on either side, NaN or infinite
            scores, or weights that are no weights.

    >>> import numpy as np
    >>> from hepad.metrics import auc_difference
    >>> rng = np.random.default_rng(0)
    >>> background, signal = rng.normal(0, 1, 1000), rng.normal(1, 1, 1000)
    >>> noisy = background + rng.normal(0, 1, 1000), signal + rng.normal(0, 1, 1000)
    >>> found = auc_difference(background, signal, *noisy)
    >>> f"{found.difference:.3f} ± {found.standard_error:.3f}, significant: {found.p_value < 0.01}"
    '0.052 ± 0.009, significant: True'
    """
    a, b = (
        _weighted_components(background, signal, background_weight, signal_weight)
        for background, signal in ((background_a, signal_a), (background_b, signal_b))
    )
    return compare_aucs(a, b)


@dataclass(frozen=True, eq=False)
class AucComponents:
    """DeLong's components of one AUC.

    Attributes:
        auc: the mean of either.
        signal: `(M,)` share of the background below each signal entry, V₁₀.
        background: `(N,)` share of the signal above each background entry, V₀₁.
        signal_weight, background_weight: their weights; None where every entry counts once.

    >>> from hepad.metrics import auc_components
    >>> components = auc_components(background=[1.0, 2.0, 3.0, 4.0], signal=[2.0, 5.0])
    >>> components.n_background, components.n_signal, round(components.variance, 3)
    (4, 2, 0.112)
    """

    auc: float
    signal: FloatArray
    background: FloatArray
    signal_weight: FloatArray | None = None
    background_weight: FloatArray | None = None

    @property
    def n_signal(self) -> float:
        """Number of entries that the signal is worth."""
        return self.signal.size if self.signal_weight is None else effective_entries(self.signal_weight)

    @property
    def n_background(self) -> float:
        """Number of entries that the background is worth."""
        return self.background.size if self.background_weight is None else effective_entries(self.background_weight)

    @property
    def variance(self) -> float:
        """DeLong's variance of the AUC."""
        return _covariance(self, self)


def auc_components(background: ArrayLike | SortedScores, signal: ArrayLike | SortedScores) -> AucComponents:
    """Place every entry of either sample among those of the other.

    Args:
        background: `(N,)` scores of the background, N ≥ 2.
        signal: `(M,)` scores of the signal, M ≥ 2.

    Raises:
        ValueError: fewer than two entries on either side, or NaN or infinite scores.

    >>> from hepad.metrics import auc_components
    >>> components = auc_components(background=[1.0, 2.0, 3.0, 4.0], signal=[2.0, 5.0])
    >>> components.auc, components.signal
    (0.6875, array([0.375, 1.   ]))
    """
    b = background if isinstance(background, SortedScores) else sort_scores(background, "background")
    s = signal if isinstance(signal, SortedScores) else sort_scores(signal, "signal")
    v10, v01 = np.empty(s.values.size), np.empty(b.values.size)
    v10[s.order] = placements(s.values, b.values, None if b.weight is None else b.weight[b.order])
    v01[b.order] = 1 - placements(b.values, s.values, None if s.weight is None else s.weight[s.order])
    return AucComponents(weighted_mean(v10, s.weight), v10, v01, s.weight, b.weight)


def _weighted_components(
    background: ArrayLike, signal: ArrayLike, background_weight: ArrayLike | None, signal_weight: ArrayLike | None
) -> AucComponents:
    return auc_components(
        sort_scores(background, "background", background_weight), sort_scores(signal, "signal", signal_weight)
    )


def compare_aucs(a: AucComponents, b: AucComponents, paired: bool = True) -> AucDifference:
    """Compare two AUCs.

    Args:
        a, b: components of each.
        paired: both models scored the same entries, in the same order. Without, they count as independent, and the
            standard error is √(σ_A² + σ_B²); where some entries are the same after all, that is an overestimate.

    Raises:
        ValueError: paired components of different lengths.

    >>> from hepad.metrics import auc_components, compare_aucs
    >>> background, good, poor = [1.0, 2.0, 3.0], [2.0, 4.0], [1.0, 4.0]
    >>> a, b = auc_components(background, good), auc_components(background, poor)
    >>> round(compare_aucs(a, b).difference, 3)
    0.167
    >>> round(compare_aucs(a, b).standard_error, 3), round(compare_aucs(a, b, paired=False).standard_error, 3)
    (0.186, 0.514)
    """
    if paired:
        for what, (x, y) in (("background", (a.background, b.background)), ("signal", (a.signal, b.signal))):
            if x.size != y.size:
                raise ValueError(f"{what}: {x.size} entries scored by one model and {y.size} by the other")
    difference = a.auc - b.auc
    variance = a.variance + b.variance - (2 * _covariance(a, b) if paired else 0.0)
    error = float(np.sqrt(max(variance, 0.0)))
    # Models that rank all entries alike leave nothing but rounding.
    if error <= _ROUNDING:
        return AucDifference(difference, 0.0, 1.0 if abs(difference) <= _ROUNDING else 0.0)
    return AucDifference(difference, error, float(2 * special.ndtr(-abs(difference) / error)))


def _covariance(a: AucComponents, b: AucComponents) -> float:
    """Covariance of two AUCs of the same entries."""
    signal = _centred_product(a.signal, b.signal, a.signal_weight, b.signal_weight)
    return signal + _centred_product(a.background, b.background, a.background_weight, b.background_weight)


def _centred_product(x: FloatArray, y: FloatArray, of_x: FloatArray | None, of_y: FloatArray | None) -> float:
    """Covariance of the means of two columns of the same entries, each weighted by its own weights if any."""
    if of_x is None and of_y is None:
        return float(np.dot(x - x.mean(), y - y.mean())) / (x.size - 1) / x.size
    centred, factor = [], 1.0
    for values, weight in ((x, of_x), (y, of_y)):
        share = np.full_like(values, 1 / values.size) if weight is None else weight / weight.sum()
        n = effective_entries(share)
        if n < 1 + _ROUNDING:
            raise ValueError("all weight is on one entry; an uncertainty needs at least 2 that count")
        factor *= n / (n - 1)
        centred.append(share * (values - np.dot(share, values)))
    return float(np.dot(*centred) * np.sqrt(factor))
