"""Figures of a student beside its teacher: scores, errors, bias by decile, and ROC curves."""

from collections.abc import Iterator
from functools import partial

from hepad.core.diagnostics import TeacherAndStudent
from hepad.metrics import Evaluation, roc_curve
from hepad.metrics.agreement import N_DECILES, agreement
from hepad.plots.agreement import plot_bias_by_decile, plot_error_vs_truth, plot_student_vs_teacher
from hepad.plots.roc import plot_roc_pairs
from hepad.plots.standard import StandardFigure


def student_figures(diagnostic: TeacherAndStudent, evaluation: Evaluation, target: str) -> Iterator[StandardFigure]:
    """Yield the figures of one student; `target` is what it learns of a teacher's score, in mathtext."""
    section = "Student and teacher"
    background = evaluation.background
    truth, student = diagnostic.teacher[background].numpy(), diagnostic.student[background].numpy()
    found = agreement(truth, student)
    rank = "" if found.spearman is None else f" Rank correlation {found.spearman:.4f}."
    bins = ""
    if len(found.bias) < N_DECILES:
        bins = (
            f" There are {len(found.bias)} bins, not {N_DECILES}: entries that share one true score, such as events "
            "without any jet, stay together in a wider one."
        )
    yield StandardFigure(
        "student_vs_teacher",
        section,
        f"The student's score against the teacher's, {background}.{rank}",
        partial(plot_student_vs_teacher, truth, student, target=target),
    )
    yield StandardFigure(
        "student_error",
        section,
        f"The student's error against the true score, {background}.{bins}",
        partial(plot_error_vs_truth, truth, student, found, target=target),
    )
    yield StandardFigure(
        "student_bias_by_decile",
        section,
        f"Bias and width of the student in each decile of the true score, {background}.{bins}",
        partial(plot_bias_by_decile, found, target=target),
    )
    for reference in dict.fromkeys(reference for _, reference in evaluation.rocs):
        pairs = {
            signal: (curve, roc_curve(diagnostic.teacher[reference].numpy(), diagnostic.teacher[signal].numpy()))
            for (signal, r), curve in evaluation.rocs.items()
            if r == reference
        }
        yield StandardFigure(
            f"student_roc_vs_{reference}",
            section,
            f"ROC of student and teacher against {reference}; AUC of the student, then of the teacher.",
            partial(plot_roc_pairs, pairs, names=("Student", "Teacher"), reference=reference),
        )
