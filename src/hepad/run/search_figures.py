"""Pictures of a latent search."""

from collections.abc import Iterator

from hepad.core.diagnostics import SearchExamples, SearchTraces
from hepad.data import AnomalyDataModule
from hepad.inference.settings import REDUCTIONS
from hepad.metrics.latent_search import areas_by_restarts, areas_by_step
from hepad.plots import StandardFigure
from hepad.plots.latent_search import (
    plot_search_areas,
    plot_search_features,
    plot_search_images,
    plot_search_losses,
)

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
        plot_search_losses(traces),
    )
    if len(traces) > 1:
        by_restarts = {reduction: areas_by_restarts(traces, background, reduction) for reduction in REDUCTIONS}
        yield StandardFigure(
            "search_areas",
            _SECTION,
            f"AUC against {background}, had the search been shorter (left, {diagnostic.reduction} over restarts) or "
            f"made of fewer restarts (right; {diagnostic.starts}).",
            plot_search_areas(
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
    if x.ndim == 4:
        figure = plot_search_images(
            x.sum(dim=1).numpy(), made.sum(dim=2).numpy(), diagnostic.steps, titles, data.image_labels
        )
    else:
        if x.ndim == 3:
            x, made = x[:, 0], made[:, :, 0]
        population = data.val_entries.batch
        vectors = population.x if population.mask is None else population.x[population.mask]
        spread = vectors.double().std(dim=0, correction=0)
        spread[spread == 0] = 1
        figure = plot_search_features(
            x.numpy(),
            made.numpy(),
            diagnostic.steps,
            titles,
            data.feature_names,
            vectors.double().mean(dim=0).numpy(),
            spread.numpy(),
        )
    yield StandardFigure(f"search_examples_{diagnostic.sample}", _SECTION, caption, figure)
