"""Upper limits of a count by toys, for few events."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson

from hepad.core.errors import UserError
from hepad.stats.limit_models import CountModel
from hepad.stats.limits import BANDS, UpperLimit, counting_limit, fit_events
from hepad.stats.minimising import FitError
from hepad.stats.significance import Constraint, constrained_deviance, profiled_background
from hepad.stats.spectrum import FloatArray

_POINTS = 100  # Numbers of signal events at which CLs is computed; between them ln CLs is straight.


def toy_limit(
    n: int,
    b: float,
    sigma: float = 0.0,
    constraint: Constraint = "gaussian",
    level: float = 0.95,
    n_toys: int = 10000,
    seed: int = 0,
) -> UpperLimit:
    """Return the upper limit of a count by CLs with q̃ of toys in place of its asymptotic distribution.

    Toys are drawn with the background profiled on the data for the signal that is tested, and the constraint is drawn
    anew in each (ATLAS and CMS Collaborations, ATL-PHYS-PUB-2011-11). The limits expected are quantiles of those
    that toys without a signal have.

    Args:
        n, b, sigma, constraint, level: as in `counting_limit`.
        n_toys: with and without a signal; 10,000 give the limit to about 1%.
        seed: of the toys.

    Raises:
        UserError: wrong input.
        FitError: the limit is far above the asymptotic one.

    >>> from hepad.stats import counting_limit, toy_limit
    >>> found = toy_limit(0, 3.0, n_toys=4000)
    >>> round(found.observed, 1), round(counting_limit(0, 3.0).observed, 1)
    (3.0, 2.6)
    """
    if n_toys < 100:
        raise UserError(f"{n_toys} toys are too few for a limit: take 1000 or more")
    rough = counting_limit(n, b, sigma, constraint, level)
    model = CountModel(n, 1.0, b, sigma, constraint)  # type: ignore[arg-type]
    events = np.linspace(0, 2 * max(rough.observed, rough.expected[-1]) + 5, _POINTS)
    ranks = _even_ranks(np.random.default_rng(seed), (2, 2, n_toys))
    best, least = fit_events(model)
    # The first of all is the data, the others are toys without a signal.
    log_cls = np.empty((_POINTS, n_toys + 1))
    for i, tested in enumerate(events):
        q = max(model.deviance(tested) - least, 0.0) if tested > best else 0.0
        with_signal, without = _toys(model, tested, tested, *ranks[0]), _toys(model, tested, 0.0, *ranks[1])
        found = np.append(q, without)
        log_cls[i] = np.log(_share_above(with_signal, found)) - np.log(_share_above(without, found))
    limits = _last_crossings(events, log_cls, float(np.log1p(-level)))
    if not np.isfinite(limits[0]):
        raise FitError(f"no limit below {events[-1]:g} signal events: the background leaves room for any")
    bands = np.quantile(limits[1:], norm.cdf(BANDS), method="nearest")
    return UpperLimit(float(limits[0]), tuple(bands.tolist()), level)


def _toys(model: CountModel, tested: float, true: float, count_ranks: FloatArray, aux_ranks: FloatArray) -> FloatArray:
    """Return q̃ of a tested number of signal events for toys with a true one, drawn by their ranks in (0, 1)."""
    b, sigma, constraint = float(model.background[0]), float(model.sigma[0]), model.constraint
    beta = float(profiled_background(model.counts, b, sigma, true, constraint)[0])
    n = _poisson_counts(count_ranks, true + beta)
    drawn, errors = np.full(n.size, b), np.full(n.size, sigma)
    if sigma > 0 and constraint == "gaussian":
        drawn = np.maximum(norm.ppf(aux_ranks, beta, sigma), 1e-6 * b)
    elif sigma > 0:
        tau = b / sigma**2
        drawn = np.maximum(_poisson_counts(aux_ranks, tau * beta), 1e-6) / tau
        errors = np.sqrt(drawn / tau)

    def deviance(events: FloatArray | float) -> FloatArray:
        profiled = profiled_background(n, drawn, errors, events, constraint)
        return constrained_deviance(n, events + profiled, profiled, drawn, errors, constraint)

    best = np.maximum(n - drawn, 0.0)
    return np.where(best > tested, 0.0, np.maximum(deviance(tested) - deviance(best), 0.0))


def _even_ranks(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return random ranks in (0, 1), one in each of equal steps, which makes tails less random than they would be."""
    steps = rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1)
    return np.asarray((steps + rng.uniform(size=shape)) / shape[-1])


def _poisson_counts(ranks: FloatArray, mean: float) -> FloatArray:
    """Return counts at ranks in (0, 1) of their distribution."""
    table = poisson.cdf(np.arange(int(mean + 12 * np.sqrt(mean) + 20)), mean)
    return np.searchsorted(table, ranks).astype(np.float64)


def _share_above(toys: FloatArray, values: FloatArray) -> FloatArray:
    """Return the share of toys as large as each value or larger, at least half a toy."""
    below: NDArray[np.intp] = np.searchsorted(np.sort(toys), values - 1e-9)
    return np.asarray(np.maximum(toys.size - below, 0.5) / toys.size)


def _last_crossings(events: FloatArray, log_cls: FloatArray, target: float) -> FloatArray:
    """Return where each column is above the target for the last time; inf where its end is."""
    above = log_cls > target
    last = len(events) - 1 - np.argmax(above[::-1], axis=0)
    end = last == len(events) - 1
    last = np.minimum(last, len(events) - 2)
    columns = np.arange(log_cls.shape[1])
    upper, lower = log_cls[last, columns], log_cls[last + 1, columns]
    share = np.where(end, np.inf, (upper - target) / np.where(end, 1.0, upper - lower))
    return np.asarray(events[last] + share * (events[1] - events[0]))
