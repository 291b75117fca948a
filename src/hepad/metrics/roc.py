"""ROC curve and AUC on raw scores: float64, every entry, ties counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.placements import half_counts, half_weights, placements, sorted_values
from hepad.metrics.samples import FloatArray, as_scores, as_weights, effective_entries, effective_from, weight_from


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve with one point per distinct score; entries with `score >= threshold` are selected.

    Attributes:
        fpr: (P,) share of the background selected, rising from 0 to 1.
        tpr: (P,) share of the signal selected, rising from 0 to 1.
        thresholds: (P,) falling, starting at +inf, where nothing is selected.
        n_background: entries of background behind `fpr`; of weighted ones, how many they are worth.
        n_signal: entries of signal behind `tpr`, likewise.
        effective: (P,) how many entries the selected background is worth, (Σw)² / Σw², where it has weights.

    >>> from hepad.metrics import roc_curve
    >>> curve = roc_curve(background=[1.0, 2.0, 3.0, 4.0], signal=[3.0, 5.0])
    >>> curve.n_background, curve.n_signal
    (4, 2)
    >>> curve.selected
    array([0., 0., 1., 2., 3., 4.])
    """

    fpr: FloatArray
    tpr: FloatArray
    thresholds: FloatArray
    n_background: float
    n_signal: float
    effective: FloatArray | None = None

    @property
    def selected(self) -> FloatArray:
        """(P,) entries of background selected, of weighted ones how many they are worth."""
        return np.rint(self.fpr * self.n_background) if self.effective is None else self.effective


def roc_curve(
    background: ArrayLike,
    signal: ArrayLike,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> RocCurve:
    """The exact ROC curve of signal against background.

    No entry is dropped and no score is squashed: AUROC classes that pass scores outside [0, 1] through a sigmoid
    saturate in float32 and merge distinct scores.

    Args:
        background: (N,) scores of the background.
        signal: (M,) scores of the signal.
        background_weight: (N,) weights of the background; None where every entry counts once.
        signal_weight: (M,) weights of the signal.

    Raises:
        ValueError: empty input, NaN or infinite scores, or weights that are no weights (`as_weights`).

    >>> from hepad.metrics import roc_curve
    >>> curve = roc_curve(background=[1.0, 2.0, 3.0, 4.0], signal=[3.0, 5.0])
    >>> curve.thresholds
    array([inf,  5.,  4.,  3.,  2.,  1.])
    >>> curve.fpr
    array([0.  , 0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> curve.tpr
    array([0. , 0.5, 0.5, 1. , 1. , 1. ])
    """
    b, s = as_scores(background, "background scores"), as_scores(signal, "signal scores")
    wb = as_weights(background_weight, b.size, "background entries")
    ws = as_weights(signal_weight, s.size, "signal entries")
    if wb is not None or ws is not None:
        return _weighted_roc_curve(b, s, np.ones_like(b) if wb is None else wb, np.ones_like(s) if ws is None else ws)
    labels = np.concatenate([np.zeros(b.size, dtype=np.int8), np.ones(s.size, dtype=np.int8)])
    # Every distinct threshold is kept: rules such as "at least 10 background entries" need the exact point.
    # Two sorted runs: scikit-learn's stable sort merges them in one pass.
    scores = np.concatenate([sorted_values(b), sorted_values(s)])
    # Imported here: nothing of it is needed before training.
    from sklearn import metrics as sklearn_metrics

    fpr, tpr, thresholds = sklearn_metrics.roc_curve(labels, scores, drop_intermediate=False)
    return RocCurve(fpr, tpr, thresholds.astype(np.float64), b.size, s.size)


def _weighted_roc_curve(b: FloatArray, s: FloatArray, wb: FloatArray, ws: FloatArray) -> RocCurve:
    """The curve with one point per distinct score of an entry that counts at all."""
    thresholds = np.append(np.inf, np.unique(np.concatenate([b[wb > 0], s[ws > 0]]))[::-1])
    rates = []
    for scores, weight in ((b, wb), (s, ws)):
        order = np.argsort(scores, kind="stable")
        first = np.searchsorted(scores[order], thresholds, "left")
        above = weight_from(weight[order])
        rates.append((above[first] / above[0], effective_from(weight[order])[first]))
    (fpr, selected), (tpr, _) = rates
    return RocCurve(fpr, tpr, thresholds, effective_entries(wb), effective_entries(ws), selected)


def auc(
    background: ArrayLike,
    signal: ArrayLike,
    background_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> float:
    """The area under the ROC curve: P(signal > background) + ½ P(signal = background).

    The Mann-Whitney statistic over all N·M pairs, counted in whole numbers, so exact up to the last division. With
    weights a pair counts as the product of its two: Σᵢⱼ wᵢ wⱼ (1[sᵢ > bⱼ] + ½ 1[sᵢ = bⱼ]) / Σᵢⱼ wᵢ wⱼ.

    Args:
        background: (N,) scores of the background.
        signal: (M,) scores of the signal.
        background_weight: (N,) weights of the background; None where every entry counts once.
        signal_weight: (M,) weights of the signal.

    Raises:
        ValueError: empty input, NaN or infinite scores, or weights that are no weights (`as_weights`).

    >>> from hepad.metrics import auc
    >>> auc(background=[1.0, 2.0], signal=[2.0, 3.0])
    0.875
    >>> auc([1.0, 2.0], [2.0, 3.0], background_weight=[3.0, 1.0])
    0.9375
    """
    b, s = as_scores(background, "background scores"), as_scores(signal, "signal scores")
    wb = as_weights(background_weight, b.size, "background entries")
    ws = as_weights(signal_weight, s.size, "signal entries")
    if wb is not None or ws is not None:
        wb, ws = (np.ones_like(b) if wb is None else wb), (np.ones_like(s) if ws is None else ws)
        counted = half_weights(s, b, wb)
        if (counted == counted[0]).all():
            return float(placements(s[:1], b, wb)[0])
        return min(float(np.dot(counted, ws) / (2 * wb.sum() * ws.sum())), 1.0)
    return int(half_counts(sorted_values(s), b).sum()) / (2 * b.size * s.size)
