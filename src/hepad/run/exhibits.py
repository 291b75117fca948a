"""Pictures of what a model has to show beside its scores, one function for each kind of exhibit."""

from collections.abc import Iterator, Mapping

from numpy.typing import ArrayLike
from torch import Tensor

from hepad.data import AnomalyDataModule
from hepad.exhibits import (
    Exhibit,
    GeneratedEntries,
    PartialScores,
    Remark,
    SearchExamples,
    SearchTraces,
    TeacherAndStudent,
    TrainingCurves,
    TransformedScores,
)
from hepad.metrics import Evaluation, roc_curve
from hepad.metrics.agreement import N_DECILES, agreement
from hepad.plots import StandardFigure
from hepad.plots.agreement import plot_bias_by_decile, plot_error_vs_truth, plot_student_vs_teacher
from hepad.plots.generated import plot_generated_features, plot_generated_images
from hepad.plots.phi_rotation import plot_phi_rotation
from hepad.plots.roc_pairs import plot_roc_pairs
from hepad.plots.training_curves import plot_training_curves
from hepad.run.search_figures import example_figures, trace_figures


def exhibit_figures(
    exhibit: Exhibit, data: AnomalyDataModule, evaluation: Evaluation, history: Mapping[str, ArrayLike]
) -> Iterator[StandardFigure]:
    """Yield the figures of one exhibit; `history` is column → one value per epoch."""
    if isinstance(exhibit, GeneratedEntries):
        yield _generated(exhibit, data)
    elif isinstance(exhibit, TrainingCurves):
        if any(column in history for columns in exhibit.panels.values() for column in columns):
            curves = plot_training_curves(history, exhibit.panels)
            yield StandardFigure(exhibit.name, "Training", f"{exhibit.title}.", curves)
    elif isinstance(exhibit, PartialScores):
        yield from _partial_scores(exhibit, evaluation)
    elif isinstance(exhibit, SearchTraces):
        yield from trace_figures(exhibit, evaluation.background)
    elif isinstance(exhibit, SearchExamples):
        yield from example_figures(exhibit, data)
    elif isinstance(exhibit, Remark):
        return
    elif isinstance(exhibit, TransformedScores):
        if exhibit.symmetry == "phi_rotation":
            yield _phi_rotation(exhibit)
    else:
        yield from _teacher_and_student(exhibit, data, evaluation)


def _generated(exhibit: GeneratedEntries, data: AnomalyDataModule) -> StandardFigure:
    real = exhibit.real.x
    if real.ndim == 4:
        figure = plot_generated_images(real.numpy(), exhibit.generated.numpy(), labels=data.image_labels)
    else:
        mask = exhibit.real.mask if exhibit.mask is None else exhibit.mask
        found, generated = _objects(real, exhibit.real.mask).numpy(), _objects(exhibit.generated, mask).numpy()
        figure = plot_generated_features(found, generated, data.feature_names)
    return StandardFigure(
        "generated_entries", "Generated", f"{exhibit.title}, beside entries of {data.background}.", figure
    )


def _phi_rotation(exhibit: TransformedScores) -> StandardFigure:
    scores = {sample: values.numpy() for sample, values in exhibit.scores.items()}
    return StandardFigure(
        "phi_rotation",
        "Symmetries",
        "How much scores move when images are rotated in φ, which changes nothing in physics: RMS over up to "
        f"{max(table.shape[1] for table in scores.values()):,} entries, as a share of the spread of a sample's scores.",
        plot_phi_rotation(scores, steps=exhibit.steps),
    )


def _objects(x: Tensor, mask: Tensor | None) -> Tensor:
    """The vectors `(M, F)` among entries: themselves, or those of all slots that are not empty."""
    if mask is not None:
        return x[mask]
    return x.flatten(0, -2)


def _partial_scores(exhibit: PartialScores, evaluation: Evaluation) -> Iterator[StandardFigure]:
    names = tuple(exhibit.parts)
    if len(names) != 2:
        return
    first, second = (exhibit.parts[name] for name in names)
    for reference in dict.fromkeys(reference for _, reference in evaluation.rocs):
        pairs = {
            signal: (
                roc_curve(first[reference].numpy(), first[signal].numpy()),
                roc_curve(second[reference].numpy(), second[signal].numpy()),
            )
            for signal, r in evaluation.rocs
            if r == reference
        }
        yield StandardFigure(
            f"parts_roc_vs_{reference}",
            "Parts of the score",
            f"ROC of the parts of the score against {reference}; AUC of {names[0]}, then of {names[1]}.",
            plot_roc_pairs(pairs, names=(names[0].capitalize(), names[1].capitalize()), reference=reference),
        )


def _teacher_and_student(
    exhibit: TeacherAndStudent, data: AnomalyDataModule, evaluation: Evaluation
) -> Iterator[StandardFigure]:
    section = "Student and teacher"
    background, target = evaluation.background, data.target_label
    truth, student = exhibit.teacher[background].numpy(), exhibit.student[background].numpy()
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
        plot_student_vs_teacher(truth, student, target=target),
    )
    yield StandardFigure(
        "student_error",
        section,
        f"The student's error against the true score, {background}.{bins}",
        plot_error_vs_truth(truth, student, found, target=target),
    )
    yield StandardFigure(
        "student_bias_by_decile",
        section,
        f"Bias and width of the student in each decile of the true score, {background}.{bins}",
        plot_bias_by_decile(found, target=target),
    )
    for reference in dict.fromkeys(reference for _, reference in evaluation.rocs):
        pairs = {
            signal: (curve, roc_curve(exhibit.teacher[reference].numpy(), exhibit.teacher[signal].numpy()))
            for (signal, r), curve in evaluation.rocs.items()
            if r == reference
        }
        yield StandardFigure(
            f"student_roc_vs_{reference}",
            section,
            f"ROC of student and teacher against {reference}; AUC of the student, then of the teacher.",
            plot_roc_pairs(pairs, names=("Student", "Teacher"), reference=reference),
        )
