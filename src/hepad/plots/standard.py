"""The figures every evaluation has, in the order of the report."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from hepad.core.names import file_name
from hepad.metrics.evaluation import Evaluation
from hepad.metrics.samples import ScoredSample
from hepad.metrics.verdict import pair_result
from hepad.plots.correlations import plot_correlation_bars, plot_correlation_heatmap
from hepad.plots.labels import SampleStyle, sample_label, sample_styles
from hepad.plots.learning_curves import plot_learning_curves
from hepad.plots.roc import plot_roc, plot_sic
from hepad.plots.score_distributions import plot_score_distributions
from hepad.plots.score_vs_feature import plot_score_vs_feature
from hepad.plots.sculpting import plot_sculpting
from hepad.plots.style import save_figure


@dataclass(frozen=True, eq=False)
class StandardFigure:
    """A figure and its place in the report: file name without suffix (made of any words), section and caption.

    The figure itself is best given as a recipe, a `partial` of the function that draws it: it can then be drawn by
    another process (`hepad.plots.processes`).

    >>> from hepad.plots import StandardFigure, plot_learning_curves
    >>> figure = plot_learning_curves({"val/loss": [1.0, 0.5, 0.4]})
    >>> StandardFigure("learning_curves", "Training", "Loss per epoch.", figure).section
    'Training'
    """

    name: str
    section: str
    caption: str
    source: Figure | Callable[[], Figure]

    @property
    def figure(self) -> Figure:
        """The figure, drawn where it is a recipe."""
        return self.source if isinstance(self.source, Figure) else self.source()

    def __post_init__(self) -> None:
        # Samples and features are named by whoever made the files.
        object.__setattr__(self, "name", file_name(self.name))


def save_figures(
    figures: Iterable[StandardFigure], directory: Path, formats: Sequence[str] = ()
) -> list[StandardFigure]:
    """Write each figure as `<directory>/<name>.png`, and in further formats, and return the figures."""
    saved = []
    for figure in figures:
        save_figure(figure.figure, directory / figure.name, formats=tuple(dict.fromkeys(("png", *formats))))
        saved.append(figure)
    return saved


def standard_figures(
    evaluation: Evaluation,
    samples: Mapping[str, ScoredSample],
    history: Mapping[str, ArrayLike] | None = None,
    profiles: Sequence[str] | None = None,
    note: str | None = None,
) -> Iterator[StandardFigure]:
    """Every figure that can be drawn from scores alone, as a recipe: nothing is drawn here.

    Args:
        evaluation: what `evaluate` found for `samples`.
        samples: name → scored sample.
        history: column → one value per epoch, for the learning curves.
        profiles: features to draw the score against; None for all.
        note: what the data are.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.plots import standard_figures
    >>> rng = np.random.default_rng(0)
    >>> background = ScoredSample("zero_bias", rng.normal(0, 1, 500))
    >>> samples = {"zero_bias": background, "ttbar": ScoredSample("ttbar", rng.normal(1, 1, 500))}
    >>> evaluation = evaluate(samples, "zero_bias", references=["zero_bias"])
    >>> [figure.name for figure in standard_figures(evaluation, samples)]
    ['score_distributions', 'roc_vs_zero_bias', 'roc_vs_zero_bias_log', 'sic_vs_zero_bias']
    """
    styles = sample_styles(samples, evaluation.background)
    if history is not None:
        yield StandardFigure(
            "learning_curves", "Training", "Loss per epoch.", partial(plot_learning_curves, history, note=note)
        )
    yield StandardFigure(
        "score_distributions",
        "Scores",
        "Anomaly score of every sample, each normalised to one.",
        partial(plot_score_distributions, samples, background=evaluation.background, styles=styles, note=note),
    )
    yield from _separation(evaluation, styles, note)
    yield from _correlations(evaluation, samples, profiles, note)
    for name, found in evaluation.sculpting.items():
        yield StandardFigure(
            f"sculpting_{name}",
            "Sculpting",
            f"Spectrum of {name} of {evaluation.background} above cuts on the score: where the score knows nothing of "
            "it, all have one shape. JSD: Jensen-Shannon divergence of what passes and what fails.",
            partial(plot_sculpting, samples[evaluation.background], name, found, note=note),
        )


def _separation(
    evaluation: Evaluation, styles: Mapping[str, SampleStyle], note: str | None
) -> Iterator[StandardFigure]:
    for reference in dict.fromkeys(reference for _, reference in evaluation.rocs):
        rocs = {signal: roc for (signal, r), roc in evaluation.rocs.items() if r == reference}
        intervals = {
            signal: (evaluation.metrics[f"{key}/low"], evaluation.metrics[f"{key}/high"])
            for signal in rocs
            if f"{(key := f'test/auc/{signal}_vs_{reference}')}/low" in evaluation.metrics
        }
        baselines = {
            (name, signal): evaluation.baseline_rocs[name, signal, reference]
            for signal in rocs
            if (name := best_baseline(evaluation, signal, reference)) is not None
        }
        for scale, log in (("", False), ("_log", True)):
            yield StandardFigure(
                f"roc_vs_{reference}{scale}",
                "Separation",
                f"ROC against {reference}{', logarithmic' if log else ''}, with AUC and 68% interval; broken: the best "
                "trivial score for each signal.",
                partial(
                    plot_roc,
                    rocs,
                    reference=reference,
                    log=log,
                    intervals=intervals,
                    baselines=baselines,
                    styles=styles,
                    note=note,
                ),
            )
        if any(f"test/sic_max/{signal}_vs_{reference}" in evaluation.metrics for signal in rocs):
            yield StandardFigure(
                f"sic_vs_{reference}",
                "Separation",
                f"Significance improvement against {reference}.",
                partial(plot_sic, rocs, reference=reference, styles=styles, note=note),
            )


def best_baseline(evaluation: Evaluation, signal: str, reference: str) -> str | None:
    """The trivial score with the largest AUC for a pair of samples, if any was evaluated.

    >>> from hepad.metrics import Evaluation
    >>> from hepad.plots import best_baseline
    >>> areas = {"sum_pt": 0.81, "multiplicity": 0.74}
    >>> metrics = {f"test/baseline_auc/{name}/ttbar_vs_zero_bias": area for name, area in areas.items()}
    >>> best_baseline(Evaluation("zero_bias", {"test/auc/ttbar_vs_zero_bias": 0.84, **metrics}), "ttbar", "zero_bias")
    'sum_pt'
    """
    found = pair_result(evaluation.metrics, signal, reference)
    return None if found is None else found.trivial


def _correlations(
    evaluation: Evaluation, samples: Mapping[str, ScoredSample], profiles: Sequence[str] | None, note: str | None
) -> Iterator[StandardFigure]:
    background = evaluation.background
    features = evaluation.pearson.get(background, {})
    if features:
        yield StandardFigure(
            "correlation_bars",
            "Correlations",
            f"Correlation of the score with each feature of {background}.",
            partial(
                plot_correlation_bars,
                features,
                evaluation.spearman[background],
                sample=sample_label(background),
                note=note,
            ),
        )
    if any(evaluation.spearman.values()):
        yield StandardFigure(
            "correlation_heatmap",
            "Correlations",
            "Rank correlation of the score with each feature, by sample.",
            partial(plot_correlation_heatmap, evaluation.spearman, note=note),
        )
    for feature in features if profiles is None else (name for name in profiles if name in features):
        yield StandardFigure(
            f"score_vs_{feature}",
            "Score and features",
            f"Anomaly score against {feature}, {background}.",
            partial(plot_score_vs_feature, samples[background], feature, note=note),
        )
