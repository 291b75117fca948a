"""The view of a W&B project as code: build it, check it, write it, and save it where somebody is logged in."""

import importlib.util
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import wandb
from omegaconf import DictConfig

from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.logging.loggers import has_key
from hepad.rundir.config_file import require_run
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.history_file import read_columns

_MODES: Final = ("auto", "online", "offline")
_CURVES: Final[tuple[str, ...]] = ("val/loss", "train/loss", "val/mae")
_PICTURES: Final[tuple[str, ...]] = ("score_distributions",)
_SIGNALS: Final[tuple[str, ...]] = ("ttbar", "radion", "wprime", "jet_ht", "soft_qcd")
_REFERENCES: Final[tuple[str, ...]] = ("zero_bias", "jet_ht", "soft_qcd")
_FPRS: Final[tuple[str, ...]] = ("1e-2", "1e-3")
_PAIR: Final = re.compile(r"test/auc/(?P<signal>[^/]+)_vs_(?P<reference>[^/]+)")


_TPR: Final = re.compile(r"test/tpr_at_fpr_(?P<fpr>[^/]+)/(?P<pair>[^/]+)")


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
    from hepad.logging.dashboard_panels import Contents, build_report, build_workspace

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
        _FPRS if cfg.run is None else _fprs(Path(cfg.run)),
    )
    if not references or not contents.aucs(references[0]):
        raise UserError("a view needs at least one reference and one other signal")
    workspace = build_workspace(cfg.entity or "", cfg.project, cfg.name, contents)
    specification = view_specification(workspace)
    if cfg.run is not None:
        _check_names(specification, Path(cfg.run))
    output = Path(cfg.output)
    _write(output, specification, "output")
    written = [f"view    {output}, {len(names_in(specification))} names"]
    if cfg.report is not None:
        # Without an entity W&B's library asks no server.
        offline = build_report("", cfg.project, cfg.name, contents)
        _write(Path(cfg.report), report_specification(offline), "report")
        written.append(f"report  {cfg.report}")
    mode = "offline" if os.environ.get("WANDB_MODE") == "offline" and cfg.mode == "auto" else cfg.mode
    if mode == "offline" or not has_key():
        return [*written, "upload  not saved to W&B; after `wandb login` the same command with mode=online saves it"]
    saved = []
    try:
        workspace.entity = workspace.entity or str(wandb.Api().default_entity)
        workspace.save()
        saved.append(f"saved   {workspace.url}")
        if cfg.report is not None:
            # W&B calls it a draft until somebody publishes it.
            report = build_report(workspace.entity, cfg.project, cfg.name, contents).save(draft=True)
            saved.append(f"saved   {report.url}")
    except Exception as error:
        # Whatever W&B raises for a missing network, project or permission; the view itself was checked and written.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if mode == "online":
            raise UserError(f"W&B did not take the view ({reason}); its specification is in {output}") from error
        return [*written, *saved, f"upload  W&B did not take it ({reason}); the same command saves it another time"]
    return [*written, *saved]


def _write(path: Path, specification: dict[str, Any], key: str) -> None:
    try:
        atomic_write_text(path, json.dumps(specification, indent=2) + "\n")
    except OSError as error:
        raise UserError(f"{key}={path} cannot be written: {error.strerror}") from error


def report_specification(report: Any) -> dict[str, Any]:
    """Return the report as W&B stores it, as W&B's own reader has it, which adds what a heading is born with."""
    from wandb_workspaces.reports.v2.internal import Spec

    text = report._to_model().spec.model_dump_json(by_alias=True, exclude_none=True)
    read = Spec.model_validate_json(text).model_dump_json(by_alias=True, exclude_none=True)
    specification: dict[str, Any] = json.loads(read)
    return specification


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
    axes = [config[axis] for axis in ("xAxis", "yAxis") if axis in config]
    axes += [column["accessor"] for column in config.get("columns", [])]
    yield from (axis.removeprefix("summary:") for axis in axes if not axis.startswith("config:"))
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


def _fprs(run: Path) -> tuple[str, ...]:
    """Working points at which the TPR of every signal is known."""
    found: dict[str, set[str]] = {}
    for name in read_metrics(run):
        if (point := _TPR.fullmatch(name)) is not None:
            found.setdefault(point["fpr"], set()).add(point["pair"])
    most = max((len(pairs) for pairs in found.values()), default=0)
    return tuple(fpr for fpr, pairs in found.items() if len(pairs) == most)


def _pictures(run: Path) -> set[str]:
    return {path.stem for path in (run / "plots").glob("*.png")}


def _check_names(specification: dict[str, Any], run: Path) -> None:
    metrics = read_metrics(run)
    logged = {*metrics, *read_columns(run)}
    logged |= {f"roc/vs_{found['reference']}_table" for name in metrics if (found := _PAIR.fullmatch(name))}
    logged |= {f"rate/{found['reference']}_table" for name in metrics if (found := _PAIR.fullmatch(name))}
    logged |= {"parameters", "seconds/train", "seconds/score"}
    for kind in ("pearson", "spearman"):
        if any(name.startswith(f"test/{kind}/") for name in metrics):
            logged.add(f"correlation/{kind}_table")
    logged |= {f"plots/{name}" for name in _pictures(run)}
    if missing := sorted(names_in(specification) - logged):
        raise UserError(f"{run} did not log {', '.join(missing)}; leave them out, or name another run")
