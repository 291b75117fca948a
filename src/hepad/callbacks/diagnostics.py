"""Numbers from what a model has to show beside its scores."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from torch import Tensor

from hepad.core.diagnostics import Diagnostic, PartialScores, SearchTraces, TeacherAndStudent, TransformedScores
from hepad.metrics.agreement import student_metrics
from hepad.metrics.arrays import FloatArray
from hepad.metrics.roc import auc
from hepad.metrics.symmetry import rms_over_spread


def diagnostic_metrics(
    diagnostics: Iterable[Diagnostic],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, FloatArray | None] = MappingProxyType({}),
) -> dict[str, float]:
    """Return flat name → number for those kinds of diagnostic that come to numbers, entries by their weights."""
    metrics: dict[str, float] = {}
    for diagnostic in diagnostics:
        if isinstance(diagnostic, TeacherAndStudent):
            teacher, student = (
                {sample: scores.numpy() for sample, scores in side.items()}
                for side in (diagnostic.teacher, diagnostic.student)
            )
            metrics |= student_metrics(teacher, student, background, references, weights)
        elif isinstance(diagnostic, TransformedScores):
            spread = rms_over_spread(diagnostic.scores[background].numpy())
            if spread is not None:
                metrics[f"test/{diagnostic.symmetry}/rms_over_spread"] = spread
        elif isinstance(diagnostic, SearchTraces):
            moved = diagnostic.moved.items()
            metrics |= {f"test/search/moved/{sample}": mean for sample, mean in moved if math.isfinite(mean)}
        elif isinstance(diagnostic, PartialScores):
            for part, scores in diagnostic.parts.items():
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
