"""Models of counts with a signal and an uncertain background, for upper limits.

Each gives the deviance of data for a fixed number of signal events with all else profiled, and the Asimov data of no
signal: what is expected, with the background as it was fitted to the data.
"""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from hepad.core.errors import UserError
from hepad.stats.profiling import far_too_many, profile
from hepad.stats.significance import Constraint, check_constraint, constrained_deviance, profiled_background
from hepad.stats.spectrum import FloatArray
from hepad.stats.templates import checked_signal


class LimitModel(Protocol):
    """Data and model of them that an upper limit is computed from."""

    def deviance(self, events: float) -> float:
        """Return −2 ln L for a number of signal events, all else profiled, up to a constant."""
        ...

    def asimov(self) -> Self:
        """Return the same model with the data that are expected without a signal."""
        ...

    @property
    def largest(self) -> float:
        """A number of signal events that is far too many."""
        ...


@dataclass(frozen=True)
class CountModel:
    """Counts in bins whose backgrounds are known independently of each other; one bin is the counting experiment.

    n_b ~ Pois(S s_b + β_b), with β_b held by a Gaussian b ± σ, or by the count of a control region (`gamma`).

    Attributes:
        counts: `(B,)` observed.
        signal: `(B,)` share of a signal event in each bin.
        background: `(B,)` expected.
        sigma: `(B,)` its standard errors.
        constraint: `gaussian` or `gamma`.

    >>> from hepad.stats import CountModel
    >>> model = CountModel([12], [1.0], [10.0], [2.0])
    >>> round(model.deviance(2.0), 6), round(model.deviance(20.0), 2)
    (0.0, 12.65)
    """

    counts: FloatArray
    signal: FloatArray
    background: FloatArray
    sigma: FloatArray
    constraint: Constraint = "gaussian"

    def __post_init__(self) -> None:
        check_constraint(self.constraint)
        _check_arrays(self, self.background)
        object.__setattr__(self, "sigma", np.broadcast_to(np.asarray(self.sigma, dtype=np.float64), self.counts.shape))
        if not np.isfinite(self.sigma).all() or (self.sigma < 0).any():
            raise UserError("errors of a background must be numbers, none negative")

    def deviance(self, events: float) -> float:
        """Return −2 ln L for a number of signal events."""
        beta = self._profiled(events)
        terms = constrained_deviance(
            self.counts, events * self.signal + beta, beta, self.background, self.sigma, self.constraint
        )
        return float(terms.sum())

    def asimov(self) -> Self:
        """Return the model with the data expected without a signal."""
        beta = self._profiled(0.0)
        # A control region m times as long remains so: its relative error changes with the count.
        ratio = np.sqrt(beta / self.background) if self.constraint == "gamma" else 1.0
        return replace(self, counts=beta, background=beta, sigma=self.sigma * ratio)

    @property
    def largest(self) -> float:
        """A number of signal events that is far too many."""
        return far_too_many(self.counts, self.background, self.signal, self.sigma)

    def _profiled(self, events: float) -> FloatArray:
        return profiled_background(self.counts, self.background, self.sigma, events * self.signal, self.constraint)


@dataclass(frozen=True)
class CorrelatedModel:
    """Counts in bins whose backgrounds share uncertainties, such as the prediction of a side-band fit.

    n_b ~ Pois(S s_b + b_b exp(Σ_k α_k d_kb/b_b)) with unit normal α_k: to first order β = b + Σ α_k d_k, and never
    negative; for one bin this is the log-normal of HistFactory's `normsys`.

    Attributes:
        counts, signal, background: `(B,)` as in `CountModel`.
        shifts: `(K, B)` shift d_k of the background by one standard deviation of each uncertainty;
            `shifts_of` makes them of a covariance.
        centers: `(K,)` of the α; 0 for data.

    >>> import numpy as np
    >>> from hepad.stats import CorrelatedModel
    >>> model = CorrelatedModel([12, 5], [0.7, 0.3], [10.0, 6.0], [[1.0, 0.5]])
    >>> bool(model.deviance(1.0) < model.deviance(20.0))
    True
    """

    counts: FloatArray
    signal: FloatArray
    background: FloatArray
    shifts: FloatArray
    centers: FloatArray | None = None

    def __post_init__(self) -> None:
        _check_arrays(self, self.background)
        shifts = np.atleast_2d(np.asarray(self.shifts, dtype=np.float64))
        if shifts.shape[1:] != self.counts.shape or not np.isfinite(shifts).all():
            raise UserError(f"shifts {shifts.shape} of a background in {self.counts.size} bins")
        object.__setattr__(self, "shifts", shifts)
        if self.centers is None:
            object.__setattr__(self, "centers", np.zeros(len(shifts)))

    def deviance(self, events: float) -> float:
        """Return −2 ln L for a number of signal events."""
        return self._profile(events)[0]

    def asimov(self) -> Self:
        """Return the model with the data expected without a signal."""
        _, alpha = self._profile(0.0)
        return replace(self, counts=self._expected(alpha)[0], centers=alpha)

    @property
    def largest(self) -> float:
        """A number of signal events that is far too many."""
        return far_too_many(self.counts, self.background, self.signal, np.sqrt(np.square(self.shifts).sum(axis=0)))

    def _expected(self, alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
        relative = self.shifts / self.background
        mu = self.background * np.exp(np.clip(alpha @ relative, -30, 30))
        return mu, mu[:, None] * relative.T

    def _profile(self, events: float) -> tuple[float, FloatArray]:
        assert self.centers is not None
        return profile(self._expected, self.counts, events * self.signal, self.centers, self.centers)


def shifts_of(covariance: ArrayLike) -> FloatArray:
    """Return uncorrelated shifts of a background, `(K, B)`, whose products sum to its covariance.

    Args:
        covariance: `(B, B)`, as `BackgroundFit.expected_covariance`.

    >>> import numpy as np
    >>> from hepad.stats import shifts_of
    >>> shifts = shifts_of([[4.0, 2.0], [2.0, 1.0]])
    >>> shifts.shape, np.round(shifts.T @ shifts, 6).tolist()
    ((1, 2), [[4.0, 2.0], [2.0, 1.0]])
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * max(values.max(), 1e-300)
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T)


def _check_arrays(model: CountModel | CorrelatedModel, background: ArrayLike) -> None:
    counts, b = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (model.counts, background))
    if counts.ndim != 1 or b.shape != counts.shape:
        raise UserError(f"{b.size} backgrounds for {counts.size} counts")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise UserError("counts must be numbers, none negative or NaN")
    if not np.isfinite(b).all() or (b <= 0).any():
        raise UserError("a limit needs an expected background above 0 in each bin: join bins")
    object.__setattr__(model, "counts", counts)
    object.__setattr__(model, "background", b)
    object.__setattr__(model, "signal", checked_signal(np.atleast_1d(model.signal), counts.size))
