"""Results as a run tells them to its trackers: numbers, pictures, tables, charts and scores, in nobody's format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from hepad.metrics import Evaluation, RocCurve, ScoredSample, trigger_rate
from hepad.plots.labels import edges, is_heavy_tailed

MOST_ROWS: Final = 10_000
"""Rows of a table: W&B cuts a longer one off, with a warning that nobody reads."""

_ROC_POINTS: Final = 200
_HISTOGRAM_BINS: Final = 64


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: their names.
        rows: one list of plain values for each.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Chart:
    """A chart of a table.

    Attributes:
        kind: `curves`, a line for each value of the column `class`, or `bars`.
        table: what is drawn.
        x: column of the horizontal axis, or of the labels of bars.
        y: column of the vertical axis, or of the lengths of bars.
        title: of the chart.
        axes: titles of the two axes; empty for bars.
    """

    kind: Literal["curves", "bars"]
    table: Table
    x: str
    y: str
    title: str
    axes: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Results:
    """Results of a run, an evaluation, a search or a generator card.

    Attributes:
        metrics: flat name → number, those of metrics.json.
        epoch: how many epochs were trained: where trackers that count steps place the numbers.
        pictures: name → PNG file.
        tables: name → table.
        charts: name → chart.
        scores: sample → its scores, for histograms.
    """

    metrics: Mapping[str, float]
    epoch: int = 0
    pictures: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)
    scores: Mapping[str, ScoredSample] = field(default_factory=dict)

    def all_tables(self) -> dict[str, Table]:
        """Return the tables, and those of the charts under `<name>_table`, which is what W&B calls them."""
        return {**self.tables, **{f"{name}_table": chart.table for name, chart in self.charts.items()}}


def flattened(config: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a config under the keys of the command line; an empty section is none.

    >>> from hepad.logging.results import flattened
    >>> flattened({"model": {"latent": 2, "loss": {}}, "seed": 1})
    [('model.latent', 2), ('seed', 1)]
    """
    leaves: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            leaves += flattened(value, f"{before}{key}.")
        else:
            leaves.append((f"{before}{key}", value))
    return leaves


def evaluation_results(
    evaluation: Evaluation,
    samples: Mapping[str, ScoredSample],
    pictures: Mapping[str, Path],
    epoch: int,
    top: Mapping[str, Sequence[Any]] | None = None,
) -> Results:
    """Return what an evaluation tells: ROC curves, correlations and the most anomalous entries are tables.

    Args:
        evaluation: the numbers.
        samples: name → scored sample.
        pictures: name → PNG file.
        epoch: how many were trained.
        top: columns of a table of the most anomalous entries; None for none.
    """
    tables = {"test/roc": roc_table(evaluation.rocs), "test/correlations": correlation_table(evaluation)}
    if top is not None:
        tables["test/top"] = Table(list(top), [list(row) for row in zip(*top.values(), strict=True)])
    charts = {**roc_charts(evaluation.rocs), **rate_charts(evaluation.rocs), **correlation_charts(evaluation)}
    return Results(evaluation.metrics, epoch, pictures, tables, charts, samples)


def roc_table(rocs: Mapping[tuple[str, str], RocCurve]) -> Table:
    """Return TPR on a logarithmic grid of FPR, down to one reference entry, with the trigger rate in MHz."""
    rows = [
        [signal, reference, fpr, tpr, float(trigger_rate(fpr)) / 1e6]
        for (signal, reference), curve in rocs.items()
        for fpr, tpr in _on_log_grid(curve, _points_per_curve(len(rocs)))
    ]
    return Table(["signal", "reference", "fpr", "tpr", "rate_mhz"], rows)


def roc_charts(rocs: Mapping[tuple[str, str], RocCurve]) -> dict[str, Chart]:
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
        charts[f"roc/vs_{reference}"] = roc_chart(reference, rows)
    return charts


def roc_chart(reference: str, rows: Sequence[Sequence[Any]] = ()) -> Chart:
    """Return the chart of ROC curves against a reference; rows are signal, FPR, its logarithm, TPR."""
    table = Table(["class", "fpr", "log10_fpr", "tpr"], rows)
    axes = ("log10(false-positive rate)", "true-positive rate")
    return Chart("curves", table, "log10_fpr", "tpr", f"ROC against {reference}", axes)


def rate_charts(rocs: Mapping[tuple[str, str], RocCurve]) -> dict[str, Chart]:
    """Return for each reference a chart of the trigger rate over the threshold of the score.

    The rate is that of a trigger at the collision rate of bunches (`hepad.metrics.trigger_rate`); it is the reference's
    alone, so any signal's curve has it.
    """
    charts = {}
    first = {reference: curve for (_, reference), curve in reversed(list(rocs.items()))}
    for reference in dict.fromkeys(reference for _, reference in rocs):
        rows = [
            [reference, cut, float(trigger_rate(fpr)) / 1e3, float(np.log10(trigger_rate(fpr) / 1e3))]
            for fpr, cut in _thresholds(first[reference])
        ]
        charts[f"rate/{reference}"] = rate_chart(reference, rows)
    return charts


def rate_chart(reference: str, rows: Sequence[Sequence[Any]] = ()) -> Chart:
    """Return the chart of a reference's trigger rate; rows are its name, a threshold, kHz and their logarithm."""
    table = Table(["class", "threshold", "rate_khz", "log10_rate"], rows)
    axes = ("threshold of the score", "log10(rate / kHz)")
    return Chart("curves", table, "threshold", "log10_rate", f"Rate of {reference} over threshold", axes)


def correlation_table(evaluation: Evaluation) -> Table:
    """Return Pearson's and Spearman's correlation of the score with each feature, for each sample."""
    rows = [
        [sample, feature, pearson, evaluation.spearman[sample][feature]]
        for sample, features in evaluation.pearson.items()
        for feature, pearson in features.items()
    ]
    return Table(["sample", "feature", "pearson", "spearman"], rows)


def correlation_charts(evaluation: Evaluation) -> dict[str, Chart]:
    """Return bar charts of Pearson's and Spearman's correlation of the score with each feature, on the background."""
    kinds = {"pearson": evaluation.pearson, "spearman": evaluation.spearman}
    return {
        f"correlation/{kind}": correlation_chart(kind, evaluation.background, [list(pair) for pair in found.items()])
        for kind, by_sample in kinds.items()
        if (found := by_sample.get(evaluation.background))
    }


def correlation_chart(kind: str, background: str, rows: Sequence[Sequence[Any]] = ()) -> Chart:
    """Return the chart of one kind of correlation on the background; rows are feature and correlation."""
    title = f"{kind.capitalize()} correlation of the score, {background}"
    return Chart("bars", Table(["feature", "correlation"], rows), "feature", "correlation", title)


def score_histograms(
    samples: Mapping[str, ScoredSample],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return contents and edges of one histogram per sample, `test/scores/<sample>`, all with the same edges.

    The outermost bins hold what lies beyond them.
    """
    if not samples:
        return {}
    pooled = np.concatenate([sample.score for sample in samples.values()])
    bins = edges(pooled, _HISTOGRAM_BINS, is_heavy_tailed(pooled))
    return {
        f"test/scores/{name}": np.histogram(np.clip(sample.score, bins[0], bins[-1]), bins=bins, weights=sample.weight)
        for name, sample in samples.items()
    }


def _on_log_grid(curve: RocCurve, n_points: int) -> list[tuple[float, float]]:
    grid = _grid(curve, n_points)
    return list(zip(grid.tolist(), np.interp(grid, curve.fpr, curve.tpr).tolist(), strict=True))


def _thresholds(curve: RocCurve) -> list[tuple[float, float]]:
    """Return (FPR, the lowest threshold that selects no more than it) on a grid, each threshold once."""
    last = np.searchsorted(curve.fpr, _grid(curve, _ROC_POINTS) * (1 + 1e-12), side="right") - 1
    points = {int(i) for i in last if i > 0 and curve.fpr[i] > 0}
    return [(float(curve.fpr[i]), float(curve.thresholds[i])) for i in sorted(points)]


def _grid(curve: RocCurve, n_points: int) -> NDArray[np.float64]:
    grid: NDArray[np.float64] = np.geomspace(min(1.0, 1.0 / max(curve.n_background, 1)), 1.0, n_points)
    return grid


def _points_per_curve(n_curves: int) -> int:
    return min(_ROC_POINTS, MOST_ROWS // max(n_curves, 1))
