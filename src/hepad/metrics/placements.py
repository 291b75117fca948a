"""Placement values: where each entry of one sample falls among the entries of another."""

import numpy as np
from numpy.typing import NDArray

from hepad.metrics.arrays import FloatArray


def half_counts(scores: FloatArray, others: FloatArray) -> NDArray[np.int64]:
    """For each score, twice the number of `others` below it plus the number equal to it: (N,) whole numbers.

    Their sum over signal entries is twice the Mann-Whitney statistic; whole numbers keep it exact. Several times
    faster for sorted `scores`, so callers sort them first where the order does not matter.
    """
    ordered = np.sort(others)
    return np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")


def placements(scores: FloatArray, others: FloatArray) -> FloatArray:
    """The share of `others` below each score, a tie counting as half: (N,) in [0, 1].

    The mean over signal entries placed among the background is the AUC; the spread is what DeLong's variance is
    made of.
    """
    return half_counts(scores, others) / (2.0 * others.size)
