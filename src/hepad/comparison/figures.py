"""The figures of a comparison, one at a time."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from matplotlib.figure import Figure

from hepad.comparison.compare import Comparison
from hepad.comparison.rows import Pair
from hepad.comparison.scores import SampleScores, read_trivial
from hepad.metrics import RocCurve, pair_result, sort_scores
from hepad.plots import StandardFigure
from hepad.plots.labels import SampleStyle
from hepad.plots.runs import in_color, run_styles
from hepad.plots.runs_auc import plot_runs_auc
from hepad.plots.runs_correlation import plot_runs_correlation
from hepad.plots.runs_learning import plot_runs_learning
from hepad.plots.runs_roc import plot_runs_roc, roc_on_log_grid
from hepad.rundir.history_file import read_history

SEPARATION: Final = "Separation"
AGREEMENT: Final = "Agreement"
TRAINING: Final = "Training"


def comparison_figures(comparison: Comparison) -> Iterator[StandardFigure]:
    """Yield AUC by reference, ROC by signal and reference, agreement by sample, and the learning curves."""
    shown = in_color([row.name for row in comparison.ranked(comparison.references[0])], comparison.baseline)
    styles = run_styles(comparison.records, comparison.baseline, shown)
    grey = "; grey: neither the baseline nor among the best" if len(shown) < len(styles) else ""
    for reference in comparison.references:
        ranked = [row.name for row in comparison.ranked(reference)]
        aucs: dict[str, dict[str, tuple[float, float, float]]] = {}
        for pair_auc in (pair_auc for pair_auc in comparison.aucs if pair_auc.reference == reference):
            low, high = (pair_auc.auc if end is None else end for end in (pair_auc.low, pair_auc.high))
            aucs.setdefault(pair_auc.signal, {})[pair_auc.run] = (pair_auc.auc, low, high)
        yield StandardFigure(
            f"auc_vs_{reference}",
            SEPARATION,
            f"AUC against {reference} with 68% intervals, best mean first; black, and the broken line: "
            f"{comparison.baseline}{grey}. Dotted: the best trivial score on the entries of {comparison.baseline}.",
            plot_runs_auc(
                aucs,
                runs=ranked,
                reference=reference,
                baseline=comparison.baseline,
                styles=styles,
                trivial=_best_trivial(comparison, reference),
            ),
        )
    of_runs: dict[Pair, dict[str, float]] = {}
    for pair_auc in comparison.aucs:
        of_runs.setdefault((pair_auc.signal, pair_auc.reference), {})[pair_auc.run] = pair_auc.auc
    curves = {run: roc_curves(scores, of_runs) for run, scores in comparison.scores.items()}
    trivial = partial(_trivial_curve, comparison)
    for (signal, reference), figure in roc_figures(curves, of_runs, styles, shown, trivial):
        caption = f"ROC of every run, {signal} against {reference}; dotted: the best trivial score."
        yield StandardFigure(f"roc_{signal}_vs_{reference}", SEPARATION, caption, figure)
    for sample, found in comparison.correlations.items():
        yield StandardFigure(
            f"correlation_{sample}",
            AGREEMENT,
            f"Correlation of the runs' scores, entry by entry, on {found.entries:,} entries of {sample}.",
            plot_runs_correlation(
                {run: styles[run] for run in found.runs}, found.pearson, found.spearman, sample=sample
            ),
        )
    yield from _learning_curves(comparison, styles, shown)


def _best_trivial(comparison: Comparison, reference: str) -> dict[str, tuple[str, float]]:
    """Signal → name and AUC of the best trivial score on the entries of the baseline run."""
    metrics = comparison.records[comparison.baseline].metrics
    found = {signal: pair_result(metrics, signal, reference) for signal in comparison.signals(reference)}
    return {
        signal: (result.trivial, result.trivial_auc)
        for signal, result in found.items()
        if result is not None and result.trivial is not None and result.trivial_auc is not None
    }


def _trivial_curve(comparison: Comparison, signal: str, reference: str) -> tuple[str, float, RocCurve] | None:
    """Name, AUC and curve of the best trivial score on the entries of the baseline run, where they were kept."""
    found = _best_trivial(comparison, reference).get(signal)
    if found is None:
        return None
    name, pair_auc = found
    run = comparison.baseline
    kept = {sample: read_trivial(comparison.records[run], sample, name) for sample in (reference, signal)}
    if (b := kept[reference]) is None or (s := kept[signal]) is None:
        return None
    scores = comparison.scores[run]
    background = sort_scores(b, weight=scores[reference].weight)
    return name, pair_auc, roc_on_log_grid(background, sort_scores(s, weight=scores[signal].weight))


def _learning_curves(
    comparison: Comparison, styles: Mapping[str, SampleStyle], shown: Sequence[str]
) -> Iterator[StandardFigure]:
    histories = {run: read_history(record.directory) for run, record in comparison.records.items()}
    if not any(math.isfinite(value) for history in histories.values() for value in history.get("val/loss", ())):
        return
    losses = {record.loss for record in comparison.records.values()}
    yield StandardFigure(
        "learning_curves",
        TRAINING,
        "Validation loss per epoch; a star marks the epoch whose weights are used."
        + (" Different losses have different scales." if len(losses) > 1 else ""),
        plot_runs_learning(histories, styles=styles, shown=shown),
    )


def roc_curves(scores: Mapping[str, SampleScores], pairs: Iterable[Pair]) -> dict[Pair, RocCurve]:
    """Return the ROC curves of one run, for those pairs of which it has the scores."""
    known = {sample: found.ordered for sample, found in scores.items() if found.score.size > 1}
    return {(s, r): roc_on_log_grid(known[r], known[s]) for s, r in pairs if s in known and r in known}


def roc_figures(
    curves: Mapping[str, Mapping[Pair, RocCurve]],
    aucs: Mapping[Pair, Mapping[str, float]],
    styles: Mapping[str, SampleStyle],
    shown: Sequence[str],
    trivial: Callable[[str, str], tuple[str, float, RocCurve] | None] = lambda signal, reference: None,
) -> Iterator[tuple[Pair, Figure]]:
    """Yield the ROC curves of all runs for each pair, best run first in the legend.

    Args:
        curves: run → (signal, reference) → curve.
        aucs: (signal, reference) → run → AUC, in the order of the figures.
        styles: run → look.
        shown: the runs in colour.
        trivial: signal, reference → name, AUC and curve of a trivial score to draw with them.
    """
    for pair, of_runs in aucs.items():
        drawn = {run: curves[run][pair] for run in of_runs if pair in curves[run]}
        if drawn:
            best_first = [run for run in sorted(drawn, key=lambda run: -of_runs[run]) if run in shown]
            signal, reference = pair
            figure = plot_runs_roc(
                drawn,
                of_runs,
                signal=signal,
                reference=reference,
                styles=styles,
                shown=best_first,
                trivial=trivial(signal, reference),
            )
            yield pair, figure
