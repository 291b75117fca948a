"""Scores in rising order: sorted once, compared with several samples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hepad.metrics.arrays import FloatArray, as_scores
from hepad.metrics.weights import as_weights


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
    order = np.argsort(given, kind="stable")
    return SortedScores(given[order], order, as_weights(weight, given.size, f"{what} entries"))


def _at_least_two(values: ArrayLike, what: str) -> FloatArray:
    scores = as_scores(values, f"{what} scores")
    if scores.size < 2:
        raise ValueError(f"{what}: an uncertainty needs at least 2 entries")
    return scores
