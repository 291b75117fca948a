"""Agreement of two scores: a student's with its teacher's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.correlation import spearman
from hepad.metrics.roc import auc
from hepad.metrics.samples import FloatArray, as_scores, as_weights

N_DECILES: Final = 10

NOTABLE_LOSS: Final = 0.02
"""A student whose AUC is further than this below its teacher's has lost what it was trained for."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """A student's scores against the true ones, in bins of the true score that hold a tenth of the entries each.

    Where many entries share one true score (events without any jet) their tenths are one wider bin.

    Attributes:
        low, high: `(K,)` lower and upper quantile of each bin, 0.9 and 1.0 for the top decile.
        truth: `(K,)` mean true score in each bin.
        bias: `(K,)` mean of student − truth in each bin.
        width: `(K,)` standard deviation of student − truth in each bin.
        spearman: rank correlation over all entries, None where undefined.
        rms: root of the mean squared error over all entries.
    """

    low: FloatArray
    high: FloatArray
    truth: FloatArray
    bias: FloatArray
    width: FloatArray
    spearman: float | None
    rms: float


def agreement(
    truth: ArrayLike, student: ArrayLike, n_bins: int = N_DECILES, weight: ArrayLike | None = None
) -> Agreement:
    """Compare a student's scores with the true ones of the same entries.

    Args:
        truth: `(N,)` the scores to reproduce.
        student: `(N,)` the student's, in the same units.
        n_bins: bins of equal numbers of entries, 10 for deciles.
        weight: `(N,)` weights of the entries; bins then hold equal weights, and means are weighted.

    Raises:
        ValueError: no entries, unequal lengths, NaN or inf.
    """
    t, s = as_scores(truth, "true scores"), as_scores(student, "student's scores")
    if t.size != s.size or not t.size:
        raise ValueError(f"{t.size} true scores and {s.size} of the student; equal numbers, at least one, are needed")
    w = as_weights(weight, t.size, "entries")
    if w is not None:
        t, s, w = t[w > 0], s[w > 0], w[w > 0]
    error = s - t
    quantiles = np.linspace(0, 1, n_bins + 1)
    # Entries of one true score belong together, so a bin ends where the next true score begins.
    if w is None:
        edges = np.quantile(t, quantiles[1:-1], method="higher")
    else:
        edges = np.quantile(t, quantiles[1:-1], method="inverted_cdf", weights=w)
    bins = np.searchsorted(np.unique(edges), t, side="right")
    _, position = np.unique(bins, return_inverse=True)
    counts = np.bincount(position, w)
    ends = counts.cumsum() / counts.sum()
    mean = [np.bincount(position, values if w is None else w * values) / counts for values in (t, error, error**2)]
    return Agreement(
        low=np.concatenate([[0.0], ends[:-1]]),
        high=ends,
        truth=mean[0],
        bias=mean[1],
        width=np.sqrt(np.maximum(mean[2] - mean[1] ** 2, 0)),
        spearman=spearman(t, s, w),
        rms=float(np.sqrt(np.average(error**2, weights=w))),
    )


def student_metrics(
    teacher: Mapping[str, ArrayLike],
    student: Mapping[str, ArrayLike],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, ArrayLike | None] = MappingProxyType({}),
) -> dict[str, float]:
    """Return what the report says of a student, under flat names.

    `test/teacher_auc/<signal>_vs_<reference>`; `test/student/spearman/<sample>` and `test/student/rms/<sample>`; of the
    background's tenth with the highest true scores `test/student/top_decile_bias` and `…_width`.

    Args:
        teacher: sample → `(N,)` true scores.
        student: sample → `(N,)` the student's scores of the same entries.
        background: the sample trained on.
        references: samples on the background side of the ROC curves.
        weights: sample → `(N,)` weights of its entries; None, or not there, where each counts once.
    """
    metrics: dict[str, float] = {}
    for sample, truth in teacher.items():
        found = agreement(truth, student[sample], weight=weights.get(sample))
        metrics[f"test/student/rms/{sample}"] = found.rms
        if found.spearman is not None:
            metrics[f"test/student/spearman/{sample}"] = found.spearman
        if sample == background:
            metrics["test/student/top_decile_bias"] = float(found.bias[-1])
            metrics["test/student/top_decile_width"] = float(found.width[-1])
        for reference in references:
            if reference in teacher and sample not in (reference, background):
                metrics[f"test/teacher_auc/{sample}_vs_{reference}"] = auc(
                    teacher[reference], truth, weights.get(reference), weights.get(sample)
                )
    return metrics


def auc_loss_warnings(metrics: Mapping[str, float], background: str) -> list[str]:
    """Return one sentence on the signals that a student separates from the background worse than its teacher, if any.

    Args:
        metrics: flat name → number, those of `student_metrics` among them.
        background: the sample trained on.
    """
    prefix, suffix = "test/teacher_auc/", f"_vs_{background}"
    areas = {
        name.removeprefix(prefix).removesuffix(suffix): (metrics[name.replace(prefix, "test/auc/")], teacher)
        for name, teacher in metrics.items()
        if name.startswith(prefix) and name.endswith(suffix)
    }
    lost = [
        f"{signal} (AUC {student:.3f}, teacher {teacher:.3f})"
        for signal, (student, teacher) in areas.items()
        if student < teacher - NOTABLE_LOSS
    ]
    if not lost:
        return []
    return [f"Against {background} the student loses more than {NOTABLE_LOSS} of its teacher's AUC: {', '.join(lost)}."]
