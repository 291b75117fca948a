"""Results of an evaluation in the W&B record: numbers, tables, charts and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import wandb
from wandb.plot.custom_chart import CustomChart
from wandb.sdk.wandb_run import Run as WandbRun

from hepad.metrics import Evaluation, RocCurve, ScoredSample, trigger_rate
from hepad.plots.labels import edges, is_heavy_tailed

_ROC_POINTS: Final = 200
_HISTOGRAM_BINS: Final = 64

ROC_CHART: Final = "wandb/area-under-curve/v0"
"""W&B's own chart of curves: one colour per run, one dash pattern per `class`."""

BAR_CHART: Final = "wandb/bar/v0"
"""W&B's own bar chart: one bar per label and run."""

ROC_FIELDS: Final = {"x": "log10_fpr", "y": "tpr", "class": "class"}
ROC_STRINGS: Final = {"x-axis-title": "log10(false-positive rate)", "y-axis-title": "true-positive rate"}
BAR_FIELDS: Final = {"label": "feature", "value": "correlation"}


def log_results(
    run: WandbRun,
    evaluation: Evaluation,
    samples: Mapping[str, ScoredSample],
    pictures: Mapping[str, Path],
    top: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Log every metric under its plain name, ROC curves and correlations as tables and charts, every picture, the most
    anomalous entries.

    `wandb.plot.roc_curve` is not used: it rounds to three decimals and subsamples at random.
    """
    run.log(dict(evaluation.metrics))
    # A logged value reaches the summary only with the history; a sorted runs table wants it there in any case.
    run.summary.update(dict(evaluation.metrics))
    record: dict[str, Any] = {
        "test/roc": roc_table(evaluation.rocs),
        "test/correlations": correlation_table(evaluation),
        **roc_charts(evaluation.rocs),
        **correlation_charts(evaluation),
        **score_histograms(samples),
    }
    if top is not None:
        rows = [list(row) for row in zip(*top.values(), strict=True)]
        record["test/top"] = wandb.Table(columns=list(top), data=rows)
    for name, path in pictures.items():
        record[f"plots/{name}"] = wandb.Image(str(path))
    run.log(record)


def roc_table(rocs: Mapping[tuple[str, str], RocCurve]) -> wandb.Table:
    """Return TPR on a logarithmic grid of FPR, down to one reference entry, with the trigger rate in MHz."""
    rows = [
        [signal, reference, fpr, tpr, float(trigger_rate(fpr)) / 1e6]
        for (signal, reference), curve in rocs.items()
        for fpr, tpr in _on_log_grid(curve, _points_per_curve(len(rocs)))
    ]
    return wandb.Table(columns=["signal", "reference", "fpr", "tpr", "rate_mhz"], data=rows)


def roc_charts(rocs: Mapping[tuple[str, str], RocCurve]) -> dict[str, CustomChart]:
    """Return for each reference a chart with the ROC curves of all signals; W&B overlays those of other runs.

    W&B's charts have no logarithmic axis, so the logarithm of the FPR is what is drawn. The column of the signals
    must be called `class`: the chart averages over the rows that differ in any column it does not know by that name.
    """
    charts = {}
    for reference in dict.fromkeys(reference for _, reference in rocs):
        curves = {signal: curve for (signal, r), curve in rocs.items() if r == reference}
        rows = [
            [signal, fpr, float(np.log10(fpr)), tpr]
            for signal, curve in curves.items()
            for fpr, tpr in _on_log_grid(curve, _points_per_curve(len(curves)))
        ]
        charts[f"roc/vs_{reference}"] = wandb.plot_table(
            ROC_CHART,
            wandb.Table(columns=["class", "fpr", "log10_fpr", "tpr"], data=rows),
            ROC_FIELDS,
            {"title": f"ROC against {reference}", **ROC_STRINGS},
        )
    return charts


def correlation_table(evaluation: Evaluation) -> wandb.Table:
    """Return Pearson's and Spearman's correlation of the score with each feature, for each sample."""
    rows = [
        [sample, feature, pearson, evaluation.spearman[sample][feature]]
        for sample, features in evaluation.pearson.items()
        for feature, pearson in features.items()
    ]
    return wandb.Table(columns=["sample", "feature", "pearson", "spearman"], data=rows)


def correlation_charts(evaluation: Evaluation) -> dict[str, CustomChart]:
    """Return bar charts of Pearson's and Spearman's correlation of the score with each feature, on the background."""
    kinds = {"pearson": evaluation.pearson, "spearman": evaluation.spearman}
    return {
        f"correlation/{kind}": wandb.plot_table(
            BAR_CHART,
            wandb.Table(columns=list(BAR_FIELDS.values()), data=[list(pair) for pair in found.items()]),
            BAR_FIELDS,
            {"title": f"{kind.capitalize()} correlation of the score, {evaluation.background}"},
        )
        for kind, by_sample in kinds.items()
        if (found := by_sample.get(evaluation.background))
    }


def score_histograms(samples: Mapping[str, ScoredSample]) -> dict[str, wandb.Histogram]:
    """Return one histogram per sample, all with the same edges; the outermost bins hold what lies beyond them."""
    pooled = np.concatenate([sample.score for sample in samples.values()])
    bins = edges(pooled, _HISTOGRAM_BINS, is_heavy_tailed(pooled))
    return {
        f"test/scores/{name}": wandb.Histogram(
            np_histogram=np.histogram(np.clip(sample.score, bins[0], bins[-1]), bins=bins, weights=sample.weight)
        )
        for name, sample in samples.items()
    }


def _on_log_grid(curve: RocCurve, n_points: int) -> list[tuple[float, float]]:
    lowest = min(1.0, 1.0 / max(curve.n_background, 1))
    grid = np.geomspace(lowest, 1.0, n_points)
    return list(zip(grid.tolist(), np.interp(grid, curve.fpr, curve.tpr).tolist(), strict=True))


def _points_per_curve(n_curves: int) -> int:
    """As many as fit: W&B cuts a table off, with a warning that nobody reads."""
    return min(_ROC_POINTS, wandb.Table.MAX_ROWS // max(n_curves, 1))


if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run as WandbRun
