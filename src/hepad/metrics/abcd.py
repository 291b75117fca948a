"""Closure of an ABCD estimate: background above two cuts, predicted from the three regions that fail one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.samples import FloatArray, as_scores, as_weights
from hepad.metrics.working_points import MIN_ENTRIES


@dataclass(frozen=True)
class AbcdClosure:
    """Background in region A, above both cuts, and what the other three regions say there should be.

    Attributes:
        efficiency: share of the background that passes each of the two cuts by itself.
        observed: entries in A, by weight.
        predicted: N_B N_C / N_D.
        ratio: observed over predicted, 1 for independent scores.
        error: standard error of the ratio.

    >>> from hepad.metrics.abcd import AbcdClosure
    >>> AbcdClosure(0.1, 12.0, 10.0, 1.2, 0.36).ratio
    1.2
    """

    efficiency: float
    observed: float
    predicted: float
    ratio: float
    error: float


def abcd_closure(
    first: ArrayLike,
    second: ArrayLike,
    weight: ArrayLike | None = None,
    efficiencies: Sequence[float] = (0.5, 0.2, 0.1, 0.05),
) -> list[AbcdClosure]:
    """Return how well background above cuts on two scores is predicted by the background that fails one or both.

    Independent scores have N_A / N_B = N_C / N_D. The error is that of four Poisson counts, √(Σ 1/n) times the ratio,
    with n the entries of equal weight that a region is worth: G. Kasieczka et al., Physical Review D 103 (2021) 035021
    (arXiv:2007.14400).

    Args:
        first: `(N,)` scores of background entries.
        second: `(N,)` other scores of the same entries.
        weight: `(N,)` weights.
        efficiencies: shares of the background that pass each cut; those with fewer than 10 entries in a region are left
            out.

    Raises:
        ValueError: lengths differ.

    >>> import numpy as np
    >>> from hepad.metrics.abcd import abcd_closure
    >>> x, y = np.random.default_rng(0).normal(size=(2, 20000))
    >>> found = abcd_closure(x, y, efficiencies=[0.1])[0]
    >>> abs(found.ratio - 1) < 3 * found.error, abcd_closure(x, x + y, efficiencies=[0.1])[0].ratio > 2
    (True, True)
    """
    x, y = as_scores(first, "first scores"), as_scores(second, "second scores")
    if x.size != y.size:
        raise ValueError(f"{y.size} second scores for {x.size} first ones")
    w = as_weights(weight, x.size, "entries")
    w = np.ones_like(x) if w is None else w / w.mean()
    found = []
    for efficiency in efficiencies:
        above_x, above_y = (values > _cut(values, w, efficiency) for values in (x, y))
        regions = [above_x & above_y, above_x & ~above_y, ~above_x & above_y, ~above_x & ~above_y]
        a, b, c, d = (float(w[region].sum()) for region in regions)
        worth = [w[region].sum() ** 2 / max(np.square(w[region]).sum(), 1e-300) for region in regions]
        if min(worth) < MIN_ENTRIES:
            continue
        ratio = a * d / (b * c)
        found.append(AbcdClosure(efficiency, a, b * c / d, ratio, float(ratio * np.sqrt(sum(1 / n for n in worth)))))
    return found


def _cut(values: FloatArray, weight: FloatArray, efficiency: float) -> float:
    """Return the value that a share of the entries, by weight, lies above."""
    order = np.argsort(values)[::-1]
    reached = weight[order].cumsum()
    place = int(np.searchsorted(reached, efficiency * reached[-1], side="right"))
    return float(values[order[min(place, len(order) - 1)]])
