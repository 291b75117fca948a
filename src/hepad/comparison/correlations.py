"""Correlations of the scores of several runs, entry by entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hepad.comparison.scores import SampleScores
from hepad.metrics import pearson, spearman
from hepad.metrics.correlation import ranks


@dataclass(frozen=True, eq=False)
class ScoreCorrelation:
    """Correlations between the scores that K runs gave to the same entries of one sample.

    Attributes:
        runs: labels.
        entries: the number of common entries, the smallest of all pairs of runs that have any.
        pearson: `(K, K)`; NaN where two runs have no entries in common, or a score is constant.
        spearman: `(K, K)`, of the ranks.
    """

    runs: tuple[str, ...]
    entries: int
    pearson: NDArray[np.float64]
    spearman: NDArray[np.float64]


def score_correlation(scores: Mapping[str, SampleScores]) -> ScoreCorrelation | None:
    """Correlate the scores of one sample between all runs, on the entries that two runs share.

    Args:
        scores: run → scores of the sample.

    Returns:
        None where no two runs share at least three entries.
    """
    runs = tuple(scores)
    groups: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        groups.setdefault(scores[run].entries, []).append(i)
    linear, ranked = (np.full((len(runs), len(runs)), np.nan) for _ in range(2))
    counts = []
    for members in groups.values():
        columns = np.stack([scores[runs[i]].score for i in members])
        weight = scores[runs[members[0]]].weight
        if columns.shape[1] >= 3:
            counts += [columns.shape[1]] * (len(members) > 1)
            where = np.ix_(members, members)
            linear[where] = _matrix(columns, weight)
            ranked[where] = _matrix(np.stack([ranks(column, weight) for column in columns]), weight)
    apart = [(i, j) for one, other in combinations(groups.values(), 2) for i in one for j in other]
    for first, second in apart:
        a, b = (scores[runs[i]] for i in (first, second))
        if a.source != b.source:
            continue
        _, in_a, in_b = np.intersect1d(a.key, b.key, assume_unique=True, return_indices=True)
        if in_a.size >= 3:
            counts.append(in_a.size)
            for table, correlation in ((linear, pearson), (ranked, spearman)):
                value = correlation(a.score[in_a], b.score[in_b], None if a.weight is None else a.weight[in_a])
                table[first, second] = table[second, first] = np.nan if value is None else value
    return ScoreCorrelation(runs, min(counts), linear, ranked) if counts else None


def _matrix(columns: NDArray[np.float64], weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """(K, K) linear correlations of the rows of (K, N), entries counted by weight; NaN for constant ones."""
    # Scaled first: squares of scores around 1e200 would overflow.
    largest = np.abs(columns).max(axis=1, keepdims=True)
    centred = columns / np.where(largest > 0, largest, 1)
    centred = centred - np.average(centred, axis=1, weights=weight, keepdims=True)
    if weight is not None:
        centred = centred * np.sqrt(weight)
    norms = np.sqrt(np.square(centred).sum(axis=1))
    norms[columns.min(axis=1) == columns.max(axis=1)] = np.nan
    found: NDArray[np.float64] = np.clip((centred / norms[:, None]) @ (centred / norms[:, None]).T, -1, 1)
    return found
