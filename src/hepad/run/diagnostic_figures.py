"""Pictures of what a model has to show beside its scores, one function for each kind of diagnostic."""

from collections.abc import Iterator, Mapping

from numpy.typing import ArrayLike
from torch import Tensor

from hepad.core.diagnostics import (
    Diagnostic,
    GeneratedEntries,
    PartialScores,
    Remark,
    SearchExamples,
    SearchTraces,
    TrainingCurves,
    TransformedScores,
)
from hepad.data import AnomalyDataModule
from hepad.metrics import Evaluation, roc_curve
from hepad.plots import StandardFigure
from hepad.plots.generated import plot_generated_features, plot_generated_images
from hepad.plots.phi_rotation import plot_phi_rotation
from hepad.plots.roc_pairs import plot_roc_pairs
from hepad.plots.student import student_figures
from hepad.plots.training_curves import plot_training_curves
from hepad.run.search_figures import example_figures, trace_figures


def diagnostic_figures(
    diagnostic: Diagnostic, data: AnomalyDataModule, evaluation: Evaluation, history: Mapping[str, ArrayLike]
) -> Iterator[StandardFigure]:
    """Yield the figures of one diagnostic; `history` is column → one value per epoch."""
    if isinstance(diagnostic, GeneratedEntries):
        yield _generated(diagnostic, data)
    elif isinstance(diagnostic, TrainingCurves):
        if any(column in history for columns in diagnostic.panels.values() for column in columns):
            curves = plot_training_curves(history, diagnostic.panels)
            yield StandardFigure(diagnostic.name, "Training", f"{diagnostic.title}.", curves)
    elif isinstance(diagnostic, PartialScores):
        yield from _partial_scores(diagnostic, evaluation)
    elif isinstance(diagnostic, SearchTraces):
        yield from trace_figures(diagnostic, evaluation.background)
    elif isinstance(diagnostic, SearchExamples):
        yield from example_figures(diagnostic, data)
    elif isinstance(diagnostic, Remark):
        return
    elif isinstance(diagnostic, TransformedScores):
        if diagnostic.symmetry == "phi_rotation":
            yield _phi_rotation(diagnostic)
    else:
        yield from student_figures(diagnostic, evaluation, data.target_label)


def _generated(diagnostic: GeneratedEntries, data: AnomalyDataModule) -> StandardFigure:
    real = diagnostic.real.x
    if real.ndim == 4:
        figure = plot_generated_images(real.numpy(), diagnostic.generated.numpy(), labels=data.image_labels)
    else:
        mask = diagnostic.real.mask if diagnostic.mask is None else diagnostic.mask
        found, generated = _objects(real, diagnostic.real.mask).numpy(), _objects(diagnostic.generated, mask).numpy()
        figure = plot_generated_features(found, generated, data.feature_names)
    return StandardFigure(
        "generated_entries", "Generated", f"{diagnostic.title}, beside entries of {data.background}.", figure
    )


def _phi_rotation(diagnostic: TransformedScores) -> StandardFigure:
    scores = {sample: values.numpy() for sample, values in diagnostic.scores.items()}
    return StandardFigure(
        "phi_rotation",
        "Symmetries",
        "How much scores move when images are rotated in φ, which changes nothing in physics: RMS over up to "
        f"{max(table.shape[1] for table in scores.values()):,} entries, as a share of the spread of a sample's scores.",
        plot_phi_rotation(scores, steps=diagnostic.steps),
    )


def _objects(x: Tensor, mask: Tensor | None) -> Tensor:
    """The vectors `(M, F)` among entries: themselves, or those of all slots that are not empty."""
    if mask is not None:
        return x[mask]
    return x.flatten(0, -2)


def _partial_scores(diagnostic: PartialScores, evaluation: Evaluation) -> Iterator[StandardFigure]:
    names = tuple(diagnostic.parts)
    if len(names) != 2:
        return
    first, second = (diagnostic.parts[name] for name in names)
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
