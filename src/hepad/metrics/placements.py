"""Placement values: where each entry of one sorted sample falls among the entries of another."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.samples import FloatArray, as_scores, as_weights

_MOST_REMEMBERED: Final = 1_000_000

_ORDERS: ContextVar[dict[int, NDArray[np.intp] | None] | None] = ContextVar("_ORDERS", default=None)
"""Identity of an array → the order of its values, once it was asked for."""


@contextmanager
def sorted_once(columns: Iterable[FloatArray]) -> Iterator[None]:
    """Remember in this block the order of the values of each column `(N,)`, which nobody may change meanwhile.

    Each sample is compared with several others, and its scores were sorted for each. Columns of more than a million
    entries are not remembered: an order takes as much memory as its column.
    """
    kept = [column for column in columns if column.size <= _MOST_REMEMBERED]
    token = _ORDERS.set(dict.fromkeys(id(column) for column in kept))
    try:
        yield
    finally:
        _ORDERS.reset(token)


def rising_order(values: FloatArray) -> NDArray[np.intp]:
    """Return `np.argsort(values, kind="stable")`, remembered inside `sorted_once`."""
    known = _ORDERS.get()
    if known is None or id(values) not in known:
        return np.argsort(values, kind="stable")
    order = known[id(values)]
    if order is None:
        order = known[id(values)] = np.argsort(values, kind="stable")
    return order


def _is_remembered(values: FloatArray) -> bool:
    known = _ORDERS.get()
    return known is not None and id(values) in known


def sorted_values(values: FloatArray) -> FloatArray:
    """Return `np.sort(values)`, by way of its order where that is remembered."""
    return values[rising_order(values)] if _is_remembered(values) else np.sort(values)


def half_counts(scores: FloatArray, others: FloatArray) -> NDArray[np.int64]:
    """For each score, twice the number of `others` below it plus the number equal to it: (N,) whole numbers.

    Their sum over signal entries is twice the Mann-Whitney statistic; whole numbers keep it exact. Several times
    faster for sorted `scores`, so callers sort them first where the order does not matter.
    """
    ordered = sorted_values(others)
    return np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")


def half_weights(scores: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    """For each score, twice the weight of the `others` below it plus the weight of those equal to it: (N,).

    Whole weights give whole numbers: those of `half_counts` for entries repeated as often.
    """
    order = rising_order(others)
    ordered, below = others[order], np.append(0.0, weight[order].cumsum())
    if not _is_remembered(scores):
        return _twice_below(ordered, below, scores)
    # Several times faster for sorted scores.
    found = np.empty_like(scores)
    found[rising_order(scores)] = _twice_below(ordered, below, sorted_values(scores))
    return found


def _twice_below(ordered: FloatArray, below: FloatArray, scores: FloatArray) -> FloatArray:
    left, right = (below[np.searchsorted(ordered, scores, side)] for side in ("left", "right"))
    found: FloatArray = left + right
    return found


def placements(scores: FloatArray, others: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """The share of `others`, or of their weight, below each score, a tie counting as half: (N,) in [0, 1].

    The mean over signal entries placed among the background is the AUC; the spread is what DeLong's variance is
    made of.
    """
    if weight is None:
        return half_counts(scores, others) / (2.0 * others.size)
    # Summed in the same order, so that an entry above all others is placed at 1, not beside it.
    total = weight[rising_order(others)].cumsum()[-1]
    shares: FloatArray = half_weights(scores, others, weight) / (2.0 * total)
    return shares


def weighted_mean(values: FloatArray, weight: FloatArray | None = None) -> float:
    """The mean of values (N,), each counted by its weight; of equal values that value, to the last bit."""
    if weight is None:
        return float(values.mean())
    return float(values[0]) if (values == values[0]).all() else float(np.dot(weight, values) / weight.sum())


@dataclass(frozen=True, eq=False)
class SortedScores:
    """Scores in rising order, with the way back: worth keeping where one sample is compared with several.

    Attributes:
        values: `(N,)` rising.
        order: `(N,)` the position of each value among the scores as they were given.
        weight: `(N,)` weights of the entries as they were given; None where every entry counts once.

    >>> from hepad.metrics import sort_scores
    >>> found = sort_scores([3.0, 1.0, 2.0])
    >>> found.values, found.order
    (array([1., 2., 3.]), array([1, 2, 0]))
    """

    values: FloatArray
    order: NDArray[np.intp]
    weight: FloatArray | None = None


def sort_scores(scores: ArrayLike, what: str = "scores", weight: ArrayLike | None = None) -> SortedScores:
    """Sort `(N,)` scores; `ValueError` for fewer than two, NaN or infinite ones, or weights that are no weights.

    >>> from hepad.metrics import auc_components, sort_scores
    >>> background = sort_scores([3.0, 1.0, 2.0, 4.0], "background")
    >>> [auc_components(background, signal).auc for signal in ([2.0, 5.0], [5.0, 6.0])]
    [0.6875, 1.0]
    """
    given = _at_least_two(scores, what)
    order = rising_order(given)
    return SortedScores(given[order], order, as_weights(weight, given.size, f"{what} entries"))


def _at_least_two(values: ArrayLike, what: str) -> FloatArray:
    scores = as_scores(values, f"{what} scores")
    if scores.size < 2:
        raise ValueError(f"{what}: an uncertainty needs at least 2 entries")
    return scores
