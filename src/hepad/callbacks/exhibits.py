"""Numbers from what a model has to show beside its scores."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from torch import Tensor

from hepad.exhibits import Exhibit, PartialScores, SearchTraces, TeacherAndStudent, TransformedScores
from hepad.metrics.agreement import student_metrics
from hepad.metrics.arrays import FloatArray
from hepad.metrics.roc import auc
from hepad.metrics.symmetry import rms_over_spread


def exhibit_metrics(
    exhibits: Iterable[Exhibit],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, FloatArray | None] = MappingProxyType({}),
) -> dict[str, float]:
    """Return flat name → number for those kinds of exhibit that come to numbers, entries counted by their weights."""
    metrics: dict[str, float] = {}
    for exhibit in exhibits:
        if isinstance(exhibit, TeacherAndStudent):
            teacher, student = (
                {sample: scores.numpy() for sample, scores in side.items()}
                for side in (exhibit.teacher, exhibit.student)
            )
            metrics |= student_metrics(teacher, student, background, references, weights)
        elif isinstance(exhibit, TransformedScores):
            spread = rms_over_spread(exhibit.scores[background].numpy())
            if spread is not None:
                metrics[f"test/{exhibit.symmetry}/rms_over_spread"] = spread
        elif isinstance(exhibit, SearchTraces):
            moved = exhibit.moved.items()
            metrics |= {f"test/search/moved/{sample}": mean for sample, mean in moved if math.isfinite(mean)}
        elif isinstance(exhibit, PartialScores):
            for part, scores in exhibit.parts.items():
                metrics |= _areas(part, scores, background, references, weights)
    return metrics


def _areas(
    part: str,
    scores: Mapping[str, Tensor],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, FloatArray | None],
) -> dict[str, float]:
    """The AUC that a part of the score has by itself: `test/auc_<part>/<signal>_vs_<reference>`."""
    return {
        f"test/auc_{part}/{signal}_vs_{reference}": auc(
            scores[reference].numpy(), values.numpy(), weights.get(reference), weights.get(signal)
        )
        for reference in references
        for signal, values in scores.items()
        if signal not in (reference, background)
    }
