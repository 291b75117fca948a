"""Results in the W&B record: numbers, tables, charts, histograms and pictures."""

from typing import Any, Final

import wandb
from wandb.plot.custom_chart import CustomChart
from wandb.sdk.wandb_run import Run as WandbRun

from hepad.logging.results import Chart, Results, Table, score_histograms

CHARTS: Final = {"curves": "wandb/area-under-curve/v0", "bars": "wandb/bar/v0"}
"""Kind → W&B's own chart: curves with one colour per run and one dash pattern per `class`, or one bar per label and
run."""


def log_results(run: WandbRun, results: Results) -> None:
    """Log every metric under its plain name, tables and charts, and every picture.

    `wandb.plot.roc_curve` is not used: it rounds to three decimals and subsamples at random.
    """
    run.log(dict(results.metrics))
    # A logged value reaches the summary only with the history; a sorted runs table wants it there in any case.
    run.summary.update(dict(results.metrics))
    record: dict[str, Any] = {name: _table(table) for name, table in results.tables.items()}
    record |= {name: _chart(chart) for name, chart in results.charts.items()}
    for name, histogram in score_histograms(results.scores).items():
        record[name] = wandb.Histogram(np_histogram=histogram)
    for name, path in results.pictures.items():
        record[f"plots/{name}"] = wandb.Image(str(path))
    if record:
        run.log(record)


def chart_fields(chart: Chart) -> dict[str, str]:
    """Return which column of a chart's table is what in W&B's chart of its kind."""
    if chart.kind == "bars":
        return {"label": chart.x, "value": chart.y}
    return {"x": chart.x, "y": chart.y, "class": "class"}


def chart_strings(chart: Chart) -> dict[str, str]:
    """Return the titles of a chart, as W&B names them."""
    axes = {"x-axis-title": chart.axes[0], "y-axis-title": chart.axes[1]} if any(chart.axes) else {}
    return {"title": chart.title, **axes}


def _table(table: Table) -> wandb.Table:
    return wandb.Table(columns=list(table.columns), data=[list(row) for row in table.rows])


def _chart(chart: Chart) -> CustomChart:
    return wandb.plot_table(CHARTS[chart.kind], _table(chart.table), chart_fields(chart), chart_strings(chart))
