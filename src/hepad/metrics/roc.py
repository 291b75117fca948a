"""ROC curve and AUC on raw scores: float64, every entry, ties counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn import metrics as sklearn_metrics

from hepad.metrics.arrays import FloatArray, as_scores
from hepad.metrics.placements import half_counts


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve with one point per distinct score; entries with `score >= threshold` are selected.

    Attributes:
        fpr: (P,) share of the background selected, rising from 0 to 1.
        tpr: (P,) share of the signal selected, rising from 0 to 1.
        thresholds: (P,) falling, starting at +inf, where nothing is selected.
        n_background: entries of background behind `fpr`.
        n_signal: entries of signal behind `tpr`.
    """

    fpr: FloatArray
    tpr: FloatArray
    thresholds: FloatArray
    n_background: int
    n_signal: int


def roc_curve(background: ArrayLike, signal: ArrayLike) -> RocCurve:
    """The exact ROC curve of signal against background.

    No entry is dropped and no score is squashed: AUROC classes that pass scores outside [0, 1] through a sigmoid
    saturate in float32 and merge distinct scores.

    Args:
        background: (N,) scores of the background.
        signal: (M,) scores of the signal.

    Raises:
        ValueError: empty input, or NaN or infinite scores.
    """
    b, s = as_scores(background, "background scores"), as_scores(signal, "signal scores")
    labels = np.concatenate([np.zeros(b.size, dtype=np.int8), np.ones(s.size, dtype=np.int8)])
    # Every distinct threshold is kept: rules such as "at least 10 background entries" need the exact point.
    # Two sorted runs: scikit-learn's stable sort merges them in one pass.
    scores = np.concatenate([np.sort(b), np.sort(s)])
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    return RocCurve(fpr, tpr, thresholds.astype(np.float64), b.size, s.size)


def auc(background: ArrayLike, signal: ArrayLike) -> float:
    """The area under the ROC curve: P(signal > background) + ½ P(signal = background).

    The Mann-Whitney statistic over all N·M pairs, counted in whole numbers, so exact up to the last division.

    Args:
        background: (N,) scores of the background.
        signal: (M,) scores of the signal.

    Raises:
        ValueError: empty input, or NaN or infinite scores.
    """
    b, s = as_scores(background, "background scores"), as_scores(signal, "signal scores")
    return int(half_counts(np.sort(s), b).sum()) / (2 * b.size * s.size)
