"""Numbers from what a model has to show beside its scores."""

from collections.abc import Iterable, Sequence

from hepad.exhibits import Exhibit, TeacherAndStudent, TransformedScores
from hepad.metrics.agreement import student_metrics
from hepad.metrics.symmetry import rms_over_spread


def exhibit_metrics(exhibits: Iterable[Exhibit], background: str, references: Sequence[str]) -> dict[str, float]:
    """Return flat name → number for those kinds of exhibit that come to numbers."""
    metrics: dict[str, float] = {}
    for exhibit in exhibits:
        if isinstance(exhibit, TeacherAndStudent):
            teacher, student = (
                {sample: scores.numpy() for sample, scores in side.items()}
                for side in (exhibit.teacher, exhibit.student)
            )
            metrics |= student_metrics(teacher, student, background, references)
        elif isinstance(exhibit, TransformedScores):
            moved = rms_over_spread(exhibit.scores[background].numpy())
            if moved is not None:
                metrics[f"test/{exhibit.symmetry}/rms_over_spread"] = moved
    return metrics
