"""Upper limits on a number of signal events by CLs, with the limits expected without a signal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.limit_models import CountModel, LimitModel
from hepad.stats.minimising import FitError
from hepad.stats.significance import Constraint

BANDS: Final = (-2, -1, 0, 1, 2)
"""Standard deviations of the limits that are expected."""


@dataclass(frozen=True)
class UpperLimit:
    """Upper limit on the number of signal events.

    Attributes:
        observed: limit of the data.
        expected: limits expected without a signal at −2, −1, 0, 1, 2 σ; the middle one is the median.
        level: confidence level.

    >>> from hepad.stats import UpperLimit
    >>> UpperLimit(12.0, (6.0, 8.0, 11.0, 15.0, 20.0), 0.95).median
    11.0
    """

    observed: float
    expected: tuple[float, float, float, float, float]
    level: float

    @property
    def median(self) -> float:
        """Median of the limits expected without a signal."""
        return self.expected[2]


def counting_limit(
    n: float, b: float, sigma: float = 0.0, constraint: Constraint = "gaussian", level: float = 0.95
) -> UpperLimit:
    """Return the upper limit on the signal in a count, where b ± σ is expected (`upper_limit`).

    >>> from hepad.stats import counting_limit
    >>> found = counting_limit(12, 10.0, 2.0)
    >>> round(found.observed, 2), round(found.median, 2)
    (10.22, 8.52)
    """
    return upper_limit(CountModel(n, 1.0, b, sigma, constraint), level)  # type: ignore[arg-type]


def upper_limit(model: LimitModel, level: float = 0.95) -> UpperLimit:
    """Return the largest number of signal events that CLs does not exclude, by asymptotic formulas.

    With q̃(S) = −2 ln L(S)/L(Ŝ), 0 where Ŝ > S, Ŝ ≥ 0, and q_A(S) that of the Asimov data without a signal:

        CL_s = [1 − Φ(t + √q_A)]/[1 − Φ(t)],  t = √q̃ − √q_A if q̃ ≤ q_A, else (q̃ − q_A)/(2√q_A)

    and the limit has CL_s = 1 − level; the limits expected have t = N for N standard deviations, −2 to 2. G. Cowan et
    al., European Physical Journal C 71 (2011) 1554 (arXiv:1007.1727), section 3.6 and equations 65, 89; CLs: A. Read,
    Journal of Physics G 28 (2002) 2693. With fewer than about 5 events take `toy_limit`.

    Args:
        model: `CountModel`, `CorrelatedModel` or `SpectrumModel`.
        level: confidence level.

    Raises:
        UserError: a level that is none.
        FitError: a fit of the model has no minimum.

    >>> from hepad.stats import CorrelatedModel, upper_limit
    >>> model = CorrelatedModel([12, 5], [0.7, 0.3], [10.0, 6.0], [[1.0, 0.5]])
    >>> round(upper_limit(model).observed, 1)
    10.6
    """
    check_level(level)
    asimov = model.asimov()
    least = asimov.deviance(0.0)

    def asimov_root(events: float) -> float:
        return float(np.sqrt(max(asimov.deviance(events) - least, 0.0)))

    best, best_deviance = fit_events(model)

    def log_cls(events: float) -> float:
        root_a = asimov_root(events)
        q = max(model.deviance(events) - best_deviance, 0.0) if events > best else 0.0
        t = np.sqrt(q) - root_a if q <= root_a**2 else (q - root_a**2) / (2 * root_a)
        return float(norm.logsf(t + root_a) - norm.logsf(t))

    def expected_log_cls(shift: int) -> Callable[[float], float]:
        # More background than expected, shift > 0, is a limit that is weaker.
        return lambda events: float(norm.logsf(asimov_root(events) - shift) - norm.logsf(-shift))

    target = float(np.log1p(-level))
    observed = find_limit(log_cls, target, model.largest)
    bands = [find_limit(expected_log_cls(shift), target, model.largest) for shift in BANDS]
    return UpperLimit(observed, tuple(bands), level)  # type: ignore[arg-type]


def fit_events(model: LimitModel) -> tuple[float, float]:
    """Return the most likely number of signal events, 0 or more, and its deviance."""
    found = minimize_scalar(model.deviance, bounds=(0.0, model.largest), method="bounded", options={"xatol": 1e-6})
    at_zero = model.deviance(0.0)
    return (0.0, at_zero) if at_zero <= found.fun else (float(found.x), float(found.fun))


def find_limit(log_cls: Callable[[float], float], target: float, largest: float) -> float:
    """Return where ln CLs falls to a value.

    Raises:
        FitError: it does not below the largest number of events.
    """
    if log_cls(largest) > target:
        raise FitError(f"no limit below {largest:g} signal events: the background leaves room for any")
    return float(brentq(lambda events: log_cls(events) - target, 0.0, largest, xtol=1e-6 * largest, rtol=1e-6))


def check_level(level: float) -> None:
    """Check that a number is a confidence level.

    Raises:
        UserError: it is not.
    """
    if not 0.5 <= level < 1:
        raise UserError(f"a confidence level is between 0.5 and 1, not {level}: 0.95 is usual")
