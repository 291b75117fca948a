"""The view of a W&B project as code: what is compared between runs, and under which names it was logged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws

from hepad.logging.wandb_results import BAR_CHART, BAR_FIELDS, ROC_CHART, ROC_FIELDS, ROC_STRINGS


@dataclass(frozen=True)
class Contents:
    """What a view shows.

    Attributes:
        signals: samples on the signal side of the AUCs; the first one sorts the table of runs.
        references: samples on the background side; the AUCs against the first one are columns of the table of runs.
        curves: metrics over epochs.
        pictures: names of plots.
        columns: keys of the config for the table of runs.
    """

    signals: Sequence[str]
    references: Sequence[str]
    curves: Sequence[str]
    pictures: Sequence[str]
    columns: Sequence[str]

    def aucs(self, reference: str) -> list[str]:
        """The names of the AUCs against a reference; the first reference is the background and never a signal."""
        others = (signal for signal in self.signals if signal not in (reference, self.references[0]))
        return [f"test/auc/{signal}_vs_{reference}" for signal in others]


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


def _sections(contents: Contents) -> Iterator[ws.Section]:
    for i, reference in enumerate(contents.references):
        bars = [
            wr.BarPlot(title=metric.removeprefix("test/auc/").replace("_vs_", " vs "), metrics=[metric], title_x="AUC")
            for metric in contents.aucs(reference)
        ]
        yield ws.Section(name=f"AUC against {reference}", panels=bars, is_open=i == 0)
    yield ws.Section(name="ROC", panels=[_roc_panel(reference) for reference in contents.references], is_open=True)
    yield ws.Section(
        name="Correlation of the score with features",
        panels=[_correlation_panel(kind) for kind in ("spearman", "pearson")],
        is_open=True,
    )
    curves = [wr.LinePlot(title=metric, x="epoch", y=[metric], title_x="epoch") for metric in contents.curves]
    yield ws.Section(name="Training", panels=curves, is_open=True)
    if contents.pictures:
        pictures = [wr.MediaBrowser(title=name, media_keys=[f"plots/{name}"]) for name in contents.pictures]
        yield ws.Section(name="Pictures", panels=pictures, is_open=False)


def _roc_panel(reference: str) -> wr.CustomChart:
    strings = {"title": f"ROC against {reference}", **ROC_STRINGS}
    return _chart(f"roc/vs_{reference}", ROC_CHART, ROC_FIELDS, strings)


def _correlation_panel(kind: str) -> wr.CustomChart:
    return _chart(f"correlation/{kind}", BAR_CHART, BAR_FIELDS, {"title": f"{kind.capitalize()} correlation"})


def _chart(key: str, chart: str, fields: dict[str, str], strings: dict[str, str]) -> wr.CustomChart:
    """A panel of all chosen runs with the table that `wandb.plot_table` logged under `key`."""
    query: dict[str, Any] = {
        "id": {},
        "name": {},
        "_defaultColorIndex": {},
        "summaryTable": {"tableKey": f"{key}_table"},
    }
    layout = wr.Layout(w=12, h=8)
    return wr.CustomChart(query=query, chart_name=chart, chart_fields=fields, chart_strings=strings, layout=layout)


def _config_column(key: str) -> str:
    """The column of a key of the config: W&B keeps its values one level below the first name."""
    first, _, rest = key.partition(".")
    return f"config:{first}.value" + (f".{rest}" if rest else "")
