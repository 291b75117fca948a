"""Pictures of what a model, or a latent search, has to show beside its scores: one function for each diagnostic."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import Tensor

from hepad.core.diagnostics import (
    DensityChecks,
    Diagnostic,
    GeneratedEntries,
    IndependentScores,
    PartialScores,
    Remark,
    SearchExamples,
    SearchTraces,
    TrainingCurves,
    TransformedScores,
)
from hepad.data import AnomalyDataModule
from hepad.inference.search_settings import REDUCTIONS
from hepad.metrics import Evaluation, roc_curve
from hepad.metrics.abcd import abcd_closure
from hepad.metrics.latent_search import areas_by_restarts, areas_by_step
from hepad.plots import StandardFigure
from hepad.plots.abcd import plot_abcd_closure
from hepad.plots.density import density_figures
from hepad.plots.generated import plot_generated_features, plot_generated_images
from hepad.plots.latent_search import (
    plot_search_areas,
    plot_search_features,
    plot_search_images,
    plot_search_losses,
)
from hepad.plots.learning_curves import plot_training_curves
from hepad.plots.roc import plot_roc_pairs
from hepad.plots.score_vs_feature import plot_phi_rotation
from hepad.plots.student import student_figures
from hepad.plots.volumes import plot_mean_volumes

_SECTION = "Latent search"
_RANKS = ("Lowest", "Median", "Highest")


def trace_figures(diagnostic: SearchTraces, background: str) -> Iterator[StandardFigure]:
    """Yield losses against steps, and areas against steps and restarts."""
    traces = {sample: trace.numpy() for sample, trace in diagnostic.traces.items()}
    yield StandardFigure(
        "search_losses",
        _SECTION,
        "Loss of the entries, averaged over restarts, after each step of the search; "
        "where the curves are flat, further steps would change nothing.",
        partial(plot_search_losses, traces),
    )
    if len(traces) > 1:
        by_restarts = {reduction: areas_by_restarts(traces, background, reduction) for reduction in REDUCTIONS}
        yield StandardFigure(
            "search_areas",
            _SECTION,
            f"AUC against {background}, had the search been shorter (left, {diagnostic.reduction} over restarts) or "
            f"made of fewer restarts (right; {diagnostic.starts}).",
            partial(
                plot_search_areas,
                areas_by_step(traces, background, diagnostic.reduction),
                by_restarts,
                background,
                reduction=diagnostic.reduction,
                starts=diagnostic.starts,
            ),
        )


def example_figures(diagnostic: SearchExamples, data: AnomalyDataModule) -> Iterator[StandardFigure]:
    """Yield the entries of lowest, median and highest score, and what was made on the way to each."""
    x, made = diagnostic.entries.x.double(), diagnostic.made.double()
    titles = [f"{rank} score: {float(score):.3g}" for rank, score in zip(_RANKS, diagnostic.scores, strict=True)]
    caption = (
        f"Entries of {diagnostic.sample} and what the first restart made of them along the search; of events, the "
        "leading jet."
    )
    figure: Callable[[], Figure]
    if x.ndim == 5:
        # Of volumes what is seen from the side: layers along the rows.
        x, made = x.sum(dim=3), made.sum(dim=4)
    if x.ndim == 4:
        figure = partial(
            plot_search_images,
            x.sum(dim=1).numpy(),
            made.sum(dim=2).numpy(),
            diagnostic.steps,
            titles,
            data.image_labels,
        )
    else:
        if x.ndim == 3:
            x, made = x[:, 0], made[:, :, 0]
        population = data.val_entries.batch
        vectors = population.x if population.mask is None else population.x[population.mask]
        spread = vectors.double().std(dim=0, correction=0)
        spread[spread == 0] = 1
        figure = partial(
            plot_search_features,
            x.numpy(),
            made.numpy(),
            diagnostic.steps,
            titles,
            data.feature_names,
            vectors.double().mean(dim=0).numpy(),
            spread.numpy(),
        )
    yield StandardFigure(f"search_examples_{diagnostic.sample}", _SECTION, caption, figure)


def diagnostic_figures(
    diagnostic: Diagnostic, data: AnomalyDataModule, evaluation: Evaluation, history: Mapping[str, ArrayLike]
) -> Iterator[StandardFigure]:
    """Yield the figures of one diagnostic; `history` is column → one value per epoch."""
    if isinstance(diagnostic, GeneratedEntries):
        yield _generated(diagnostic, data)
    elif isinstance(diagnostic, DensityChecks):
        yield from density_figures(
            diagnostic.real.numpy(),
            diagnostic.generated.numpy(),
            None if diagnostic.latent is None else diagnostic.latent.numpy(),
            diagnostic.log_prob.numpy(),
            diagnostic.generated_log_prob.numpy(),
            data.feature_names,
            data.background,
        )
    elif isinstance(diagnostic, TrainingCurves):
        if any(column in history for columns in diagnostic.panels.values() for column in columns):
            curves = partial(plot_training_curves, history, diagnostic.panels)
            yield StandardFigure(diagnostic.name, "Training", f"{diagnostic.title}.", curves)
    elif isinstance(diagnostic, IndependentScores):
        yield from _abcd(diagnostic, data)
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


def _abcd(diagnostic: IndependentScores, data: AnomalyDataModule) -> Iterator[StandardFigure]:
    weight = data.test_entries[data.background].batch.weight
    closures = abcd_closure(diagnostic.first, diagnostic.second, None if weight is None else weight.double())
    if closures:
        yield StandardFigure(
            "abcd_closure",
            "ABCD closure",
            f"{data.background} above cuts on {diagnostic.names[0]} and {diagnostic.names[1]}, over what is predicted "
            "from entries that fail one or both (A D / B C); 1 where the two are independent.",
            partial(plot_abcd_closure, {data.background: closures}, diagnostic.names),
        )


def _generated(diagnostic: GeneratedEntries, data: AnomalyDataModule) -> StandardFigure:
    real = diagnostic.real.x
    figure: Callable[[], Figure]
    if real.ndim == 5:
        entries = {"Real": real, "Generated": diagnostic.generated}
        shown = {name: found[0, 0].numpy() for name, found in entries.items()}
        means = {f"{name},\nmean of all": found.mean(dim=0)[0].numpy() for name, found in entries.items()}
        value = data.image_labels.value
        figure = partial(plot_mean_volumes, shown | means, label=value, labels=data.image_labels)
    elif real.ndim == 4:
        figure = partial(plot_generated_images, real.numpy(), diagnostic.generated.numpy(), labels=data.image_labels)
    else:
        mask = diagnostic.real.mask if diagnostic.mask is None else diagnostic.mask
        found, generated = _objects(real, diagnostic.real.mask).numpy(), _objects(diagnostic.generated, mask).numpy()
        figure = partial(plot_generated_features, found, generated, data.feature_names)
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
        partial(plot_phi_rotation, scores, steps=diagnostic.steps),
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
            partial(plot_roc_pairs, pairs, names=(names[0].capitalize(), names[1].capitalize()), reference=reference),
        )
