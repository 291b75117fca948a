"""Panels of a W&B project as code: the sections of its view, and the blocks of its report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from hepad.logging.results import Chart, correlation_chart, rate_chart, roc_chart
from hepad.logging.wandb_results import CHARTS, chart_fields, chart_strings


@dataclass(frozen=True)
class Contents:
    """Contents of a view.

    Attributes:
        signals: samples on the signal side of the AUCs; the first one sorts the table of runs.
        references: samples on the background side; the AUCs against the first one are columns of the table of runs.
        curves: metrics over epochs.
        pictures: names of plots.
        columns: keys of the config for the table of runs.
        fprs: working points of the TPRs, as the names of metrics have them.
    """

    signals: Sequence[str]
    references: Sequence[str]
    curves: Sequence[str]
    pictures: Sequence[str]
    columns: Sequence[str]
    fprs: Sequence[str] = ("1e-2",)

    def aucs(self, reference: str) -> list[str]:
        """The names of the AUCs against a reference; the first reference is the background and never a signal."""
        others = (signal for signal in self.signals if signal not in (reference, self.references[0]))
        return [f"test/auc/{signal}_vs_{reference}" for signal in others]

    @property
    def headline(self) -> str:
        """The one number of a run: its AUC minus that of the best trivial score, the mean over the signals."""
        return f"test/verdict/vs_{self.references[0]}/mean_difference"


def build_workspace(entity: str, project: str, name: str, contents: Contents) -> ws.Workspace:
    """Build the view: AUCs over runs, ROC overlays, correlations, learning curves, pictures, and the table of runs."""
    aucs = contents.aucs(contents.references[0])
    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=list(_sections(contents)),
        # One colour per run in every panel, so a colour may be followed from the AUC to the ROC.
        settings=ws.WorkspaceSettings(x_axis="epoch", max_runs=50),
        runset_settings=ws.RunsetSettings(
            pinned_columns=[
                "run:displayName",
                *(f"summary:{metric}" for metric in aucs),
                *(_config_column(key) for key in contents.columns),
            ],
            order=[ws.Ordering(ws.Summary(aucs[0]), ascending=False)],
        ),
    )


def build_report(entity: str, project: str, title: str, contents: Contents) -> wr.Report:
    """Build the report: what is shown, in a sentence each, above the panels of the view's sections."""
    blocks: list[Any] = [
        wr.P(
            text="Each run is one training on background alone. Its one number is the AUC minus that of the best score "
            "that needs no model, the mean over the signals: above 0 the model is worth its training."
        ),
        wr.TableOfContents(),
    ]
    order = [wr.OrderBy(wr.SummaryMetric(contents.headline), ascending=False)]
    for section in _sections(contents):
        runs = wr.Runset(entity=entity, project=project, name="Runs", order=order)
        blocks += [wr.H1(text=section.name), wr.PanelGrid(runsets=[runs], panels=section.panels)]
    return wr.Report(
        entity=entity, project=project, title=title, description="Anomaly detection with hepad", blocks=blocks
    )


def _sections(contents: Contents) -> Iterator[ws.Section]:
    background = contents.references[0]
    signals = [metric.removeprefix("test/auc/") for metric in contents.aucs(background)]
    better = wr.BarPlot(title="AUC minus best trivial, mean over signals", metrics=[contents.headline])
    settings = [wr.ParallelCoordinatesPlotColumn(metric=wr.Config(key)) for key in contents.columns]
    result = wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(contents.headline))
    panels = [better, wr.ParallelCoordinatesPlot(title="Settings and result", columns=[*settings, result])]
    yield ws.Section(name="Better than no model?", panels=panels, is_open=True)
    yield ws.Section(name="Cost", panels=list(_costs(contents, signals)), is_open=False)
    gains = [wr.BarPlot(title=f"Largest SIC, {pair}", metrics=[f"test/sic_max/{pair}"]) for pair in signals]
    yield ws.Section(name=f"Gain in significance against {background}", panels=gains, is_open=False)
    tprs = [
        wr.BarPlot(title=f"TPR at FPR {fpr.replace('e-', '·10^-')}, {pair}", metrics=[f"test/tpr_at_fpr_{fpr}/{pair}"])
        for pair in signals
        for fpr in contents.fprs
    ]
    if tprs:
        yield ws.Section(name=f"Efficiency at a working point of {background}", panels=tprs, is_open=False)
    for i, reference in enumerate(contents.references):
        bars = [
            wr.BarPlot(title=metric.removeprefix("test/auc/").replace("_vs_", " vs "), metrics=[metric], title_x="AUC")
            for metric in contents.aucs(reference)
        ]
        yield ws.Section(name=f"AUC against {reference}", panels=bars, is_open=i == 0)
    rocs = [_chart(f"roc/vs_{reference}", roc_chart(reference)) for reference in contents.references]
    yield ws.Section(name="ROC", panels=rocs, is_open=True)
    rates = [_chart(f"rate/{reference}", rate_chart(reference)) for reference in contents.references]
    yield ws.Section(name="Threshold and rate", panels=rates, is_open=False)
    yield ws.Section(
        name="Correlation of the score with features",
        panels=[_chart(f"correlation/{kind}", correlation_chart(kind, background)) for kind in ("spearman", "pearson")],
        is_open=True,
    )
    curves = [wr.LinePlot(title=metric, x="epoch", y=[metric], title_x="epoch") for metric in contents.curves]
    yield ws.Section(name="Training", panels=curves, is_open=True)
    if contents.pictures:
        pictures = [wr.MediaBrowser(title=name, media_keys=[f"plots/{name}"]) for name in contents.pictures]
        yield ws.Section(name="Pictures", panels=pictures, is_open=False)


def _costs(contents: Contents, signals: Sequence[str]) -> Iterator[wr.ScatterPlot]:
    """AUC over size and over the times of training and of scoring, one point for each run."""
    costs = {"parameters": "parameters", "seconds/train": "seconds of training", "seconds/score": "seconds of scoring"}
    shown = {contents.headline: "AUC minus best trivial", **{f"test/auc/{pair}": f"AUC {pair}" for pair in signals}}
    for metric, title in shown.items():
        for cost, named in costs.items():
            yield wr.ScatterPlot(
                title=f"{title} over {named}",
                x=wr.SummaryMetric(cost),
                y=wr.SummaryMetric(metric),
                log_x=True,
            )


def _chart(key: str, chart: Chart) -> wr.CustomChart:
    """A panel of all chosen runs with the table that `wandb.plot_table` logged under `key`."""
    query: dict[str, Any] = {
        "id": {},
        "name": {},
        "_defaultColorIndex": {},
        "summaryTable": {"tableKey": f"{key}_table"},
    }
    return wr.CustomChart(
        query=query,
        chart_name=CHARTS[chart.kind],
        chart_fields=chart_fields(chart),
        chart_strings=chart_strings(chart),
        layout=wr.Layout(w=12, h=8),
    )


def _config_column(key: str) -> str:
    """The column of a key of the config: W&B keeps its values one level below the first name."""
    first, _, rest = key.partition(".")
    return f"config:{first}.value" + (f".{rest}" if rest else "")
