"""The view of a W&B project as code: build it, check it, write it, and save it where somebody is logged in."""

import importlib.util
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import wandb
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from omegaconf import DictConfig

from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.logging.loggers import has_key
from hepad.logging.wandb_results import BAR_CHART, BAR_FIELDS, ROC_CHART, ROC_FIELDS, ROC_STRINGS
from hepad.rundir.config_file import require_run
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.history_file import read_columns

_MODES: Final = ("auto", "online", "offline")
_CURVES: Final[tuple[str, ...]] = ("val/loss", "train/loss", "val/mae")
_PICTURES: Final[tuple[str, ...]] = ("score_distributions",)
_SIGNALS: Final[tuple[str, ...]] = ("ttbar", "radion", "wprime", "jet_ht", "soft_qcd")
_REFERENCES: Final[tuple[str, ...]] = ("zero_bias", "jet_ht", "soft_qcd")
_PAIR: Final = re.compile(r"test/auc/(?P<signal>[^/]+)_vs_(?P<reference>[^/]+)")


def make_dashboard(cfg: DictConfig) -> list[str]:
    """Do what configs/dashboard.yaml describes; return the lines for the terminal.

    Raises:
        UserError: a name that the run did not log, a missing library, or `mode=online` without a key or a network.
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise UserError('hepad.dashboard needs wandb-workspaces: pip install "hepad[dashboard]"')
    if cfg.mode not in _MODES:
        raise UserError(f"mode={cfg.mode}; allowed: {', '.join(_MODES)}")
    if cfg.mode == "online" and not has_key():
        raise UserError("mode=online, but nobody is logged in; run `wandb login` or set WANDB_API_KEY")
    from hepad.logging.dashboard import Contents, build_workspace

    signals, references, curves, pictures = _SIGNALS, _REFERENCES, _CURVES, _PICTURES
    if cfg.run is not None:
        signals, references = _samples(Path(cfg.run))
        curves, pictures = _curves(Path(cfg.run)), tuple(set(_PICTURES) & _pictures(Path(cfg.run)))
    references = references if cfg.references is None else tuple(cfg.references)
    contents = Contents(
        signals if cfg.signals is None else list(cfg.signals),
        references,
        curves if cfg.curves is None else list(cfg.curves),
        pictures if cfg.pictures is None else list(cfg.pictures),
        list(cfg.columns),
    )
    if not references or not contents.aucs(references[0]):
        raise UserError("a view needs at least one reference and one other signal")
    workspace = build_workspace(cfg.entity or "", cfg.project, cfg.name, contents)
    specification = view_specification(workspace)
    if cfg.run is not None:
        _check_names(specification, Path(cfg.run))
    output = Path(cfg.output)
    try:
        atomic_write_text(output, json.dumps(specification, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"output={output} cannot be written: {error.strerror}") from error
    written = f"view    {output}, {len(names_in(specification))} names"
    mode = "offline" if os.environ.get("WANDB_MODE") == "offline" and cfg.mode == "auto" else cfg.mode
    if mode == "offline" or not has_key():
        return [written, "upload  not saved to W&B; after `wandb login` the same command with mode=online saves it"]
    try:
        workspace.entity = workspace.entity or str(wandb.Api().default_entity)
        workspace.save()
    except Exception as error:
        # Whatever W&B raises for a missing network, project or permission; the view itself was checked and written.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if mode == "online":
            raise UserError(f"W&B did not take the view ({reason}); its specification is in {output}") from error
        return [written, f"upload  W&B did not take it ({reason}); the same command saves it another time"]
    return [written, f"saved   {workspace.url}"]


def view_specification(workspace: Any) -> dict[str, Any]:
    """Return the view as W&B stores it, after a check that W&B's own reader takes it back unchanged."""
    from wandb_workspaces.workspaces.internal import WorkspaceViewspec

    text = workspace._to_model().spec.model_dump_json(by_alias=True, exclude_none=True)
    again = WorkspaceViewspec.model_validate_json(text).model_dump_json(by_alias=True, exclude_none=True)
    assert json.loads(again) == json.loads(text)
    specification: dict[str, Any] = json.loads(text)
    return specification


def names_in(specification: dict[str, Any]) -> set[str]:
    """Return every name of a metric, table or picture that the panels and the table of runs of a view refer to."""
    section = specification["section"]
    names: set[str] = set()
    for block in section["panelBankConfig"]["sections"]:
        for panel in block["panels"]:
            names.update(_names_of(panel["config"]))
    for run_set in section["runSets"]:
        columns = run_set["runFeed"]["columnPinned"]
        names.update(column.removeprefix("summary:") for column in columns if column.startswith("summary:"))
        names.update(key["key"]["name"] for key in run_set["sort"]["keys"] if key["key"]["section"] == "summary")
    return names


def _names_of(config: dict[str, Any]) -> Iterator[str]:
    yield from config.get("metrics", [])
    yield from config.get("mediaKeys", [])
    if "xAxis" in config:
        yield config["xAxis"]
    for query in config.get("userQuery", {}).get("queryFields", []):
        for field in query["fields"]:
            if field["name"] == "summaryTable":
                yield from (argument["value"] for argument in field["args"])


def _samples(run: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return signals, the usual ones first, and references, the training background first, in the metrics of a run."""
    require_run(run)
    missing = [name for name in ("metrics.json", "provenance.json", "history.csv") if not (run / name).is_file()]
    if missing:
        raise UserError(f"{run} is not a finished run: it has no {missing[0]}")
    background = read_provenance(run).get("background")
    pairs = [found for name in read_metrics(run) if (found := _PAIR.fullmatch(name))]
    references = dict.fromkeys(found["reference"] for found in pairs)
    ordered = sorted(references, key=lambda reference: reference != background)
    return _usual_first(dict.fromkeys(found["signal"] for found in pairs), _SIGNALS), tuple(ordered)


def _usual_first(names: Iterable[str], usual: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: usual.index(name) if name in usual else len(usual)))


def _curves(run: Path) -> tuple[str, ...]:
    """Everything a run logged epoch by epoch, the usual ones first."""
    logged = [name for name in read_columns(run) if name.startswith(("train/", "val/"))]
    return _usual_first(logged, _CURVES)


def _pictures(run: Path) -> set[str]:
    return {path.stem for path in (run / "plots").glob("*.png")}


def _check_names(specification: dict[str, Any], run: Path) -> None:
    metrics = read_metrics(run)
    logged = {*metrics, *read_columns(run)}
    logged |= {f"roc/vs_{found['reference']}_table" for name in metrics if (found := _PAIR.fullmatch(name))}
    for kind in ("pearson", "spearman"):
        if any(name.startswith(f"test/{kind}/") for name in metrics):
            logged.add(f"correlation/{kind}_table")
    logged |= {f"plots/{name}" for name in _pictures(run)}
    if missing := sorted(names_in(specification) - logged):
        raise UserError(f"{run} did not log {', '.join(missing)}; leave them out, or name another run")


@dataclass(frozen=True)
class Contents:
    """Contents of a view.

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


def _sections(contents: Contents) -> Iterator[ws.Section]:
    background = contents.references[0]
    signals = [metric.removeprefix("test/auc/") for metric in contents.aucs(background)]
    better = wr.BarPlot(title="AUC minus best trivial, mean over signals", metrics=[contents.headline])
    settings = [wr.ParallelCoordinatesPlotColumn(metric=wr.Config(key)) for key in contents.columns]
    result = wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(contents.headline))
    panels = [better, wr.ParallelCoordinatesPlot(title="Settings and result", columns=[*settings, result])]
    yield ws.Section(name="Better than no model?", panels=panels, is_open=True)
    gains = [wr.BarPlot(title=f"Largest SIC, {pair}", metrics=[f"test/sic_max/{pair}"]) for pair in signals]
    yield ws.Section(name=f"Gain in significance against {background}", panels=gains, is_open=False)
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
