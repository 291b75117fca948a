"""MLflow as a tracker: a run in a database of its own, a file beside the runs, or on a server."""

import csv
import importlib
import io
import json
import logging
import os
import re
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lightning.pytorch.loggers import MLFlowLogger

from hepad.core.errors import UserError, one_line
from hepad.logging.results import Results, Table, flattened
from hepad.logging.tracker import CHECKPOINTS, Input, ModelFiles, Tracker

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_LONGEST_DIGEST: Final = 36
_LONGEST_KEY: Final = 250
_LONGEST_VALUE: Final = 6000
_PARAMS_AT_ONCE: Final = 100
_METRICS_AT_ONCE: Final = 500
"""Limits of MLflow's servers."""
_PLAIN: Final = re.compile(r"[^\w/. -]")
_ID_FILE: Final = "mlflow/run_id"


class RunMLFlowLogger(MLFlowLogger, Tracker):
    """Lightning's MLflow logger, which takes the results of a run too.

    Args:
        checkpoints: a key of `hepad.logging.tracker.CHECKPOINTS`.
        report: whether the report page is kept.
        data: whether the data sets are recorded: all but `none`.
        words: of Lightning's logger.
    """

    def __init__(self, checkpoints: str, report: bool, data: str, **words: Any) -> None:
        super().__init__(**words)
        self.checkpoints = checkpoints
        self.report = report
        self.data = data
        self._lost = ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers at a step; what a server or a locked database refuses while a run trains costs one warning."""
        try:
            super().log_metrics(dict(metrics), step)
        # Whatever it is, the training goes on; after it, `log_results` says that something is missing.
        except Exception as error:
            if not self._lost:
                self._lost = one_line(error)
                print(f"warning: MLflow did not take numbers ({self._lost}); the training goes on", file=sys.stderr)

    def log_hyperparams(self, params: dict[str, Any] | Namespace) -> None:
        """Log the config under its own keys (`model.latent`); MLflow never changes one that a resumed run has."""
        from mlflow.entities import Param

        known = self.experiment.get_run(self.run_id).data.params
        given = vars(params) if isinstance(params, Namespace) else params
        flat = {_PLAIN.sub("_", key)[:_LONGEST_KEY]: str(value)[:_LONGEST_VALUE] for key, value in flattened(given)}
        new = [Param(key, value) for key, value in flat.items() if key not in known]
        for i in range(0, len(new), _PARAMS_AT_ONCE):
            self.experiment.log_batch(self.run_id, params=new[i : i + _PARAMS_AT_ONCE])

    def log_results(self, results: Results) -> None:
        """Log numbers, pictures (`plots/`) and tables as CSV files (`tables/`)."""
        numbers = list(results.metrics.items())
        for i in range(0, len(numbers), _METRICS_AT_ONCE):
            super().log_metrics(dict(numbers[i : i + _METRICS_AT_ONCE]), results.epoch)
        for path in results.pictures.values():
            self._keep(path, "plots")
        for name, table in results.all_tables().items():
            self.experiment.log_text(self.run_id, csv_text(table), f"tables/{name}.csv")
        if self._lost:
            raise RuntimeError(f"MLflow lost numbers of the training: {self._lost}")

    def log_totals(self, totals: Mapping[str, float]) -> None:
        """Log times and sizes; the curves have their own points, which the best epoch's would be drawn into."""
        own = {name: value for name, value in totals.items() if not name.startswith(("train/", "val/"))}
        super().log_metrics(own, 0)

    def log_model(self, model: ModelFiles) -> None:
        """Keep the checkpoints under `model/`, with the config and what is known of the model."""
        names = CHECKPOINTS[self.checkpoints]
        for name in names:
            self._keep(model.run_dir / "checkpoints" / f"{name}.ckpt", "model/checkpoints")
        if names:
            self._keep(model.run_dir / "config.yaml", "model")
            self.experiment.log_text(self.run_id, json.dumps(dict(model.metadata), indent=2), "model/metadata.json")

    def log_report(self, report: Path) -> None:
        """Keep the report page, where it is wanted."""
        if self.report:
            self._keep(report, "")

    def use_inputs(self, inputs: Sequence[Input]) -> None:
        """Record data and models that the run was made from as MLflow's inputs, by their hash."""
        if self.data != "none" and inputs:
            self.experiment.log_inputs(self.run_id, [_dataset(item) for item in inputs])

    def finish(self, exit_code: int) -> None:
        """Close the MLflow run; one that was stopped is killed in its words."""
        status = "FINISHED" if exit_code == 0 else "KILLED" if exit_code > 128 else "FAILED"
        self.experiment.set_terminated(self.run_id, status)

    def finalize(self, status: str = "success") -> None:
        """Do nothing when Lightning is done training: results are still to come, and `finish` closes the run."""

    def _keep(self, path: Path, folder: str) -> None:
        self.experiment.log_artifact(self.run_id, str(path), folder or None)


def csv_text(table: Table) -> str:
    """Return a table as CSV, which MLflow's pages show as one.

    >>> from hepad.logging.mlflow_tracker import csv_text
    >>> from hepad.logging.results import Table
    >>> print(csv_text(Table(["signal", "auc"], [["ttbar", 0.9]])))
    signal,auc
    ttbar,0.9
    <BLANKLINE>
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _dataset(item: Input) -> "DatasetInput":
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": next(iter(item.files.values())).resolve().as_uri()})
    profile = json.dumps({**item.metadata, "sha256": item.sha256})
    dataset = Dataset(item.name, item.sha256[:_LONGEST_DIGEST], "local", source, profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", item.kind)])


def mlflow_logger(
    save_dir: str,
    store: str,
    uri: str | None = None,
    project: str = "hepad",
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] = (),
    notes: str | None = None,
    id: str | None = None,
    log_model: str = "none",
    log_report: bool = False,
    log_data: str = "reference",
) -> RunMLFlowLogger:
    """Start the MLflow run of a training, or go on with the one that `save_dir` says it has.

    Args:
        save_dir: the run's directory; the id of the MLflow run is kept there.
        store: directory of the database `mlflow.db` and of `artifacts/`, where no server is named.
        uri: of a server or another database; None for MLFLOW_TRACKING_URI, else the store.
        project: MLflow's experiment.
        name, group, job_type, tags, notes: of the run; `group`, `job_type` and each of `tags` become MLflow's tags.
        id: of the MLflow run; None for the one that this directory has, else a new one.
        log_model: checkpoints to keep: `none`, `best` or `all`.
        log_report: whether the report page is kept.
        log_data: whether what the run is made from is recorded: `none`, or any other word.

    Raises:
        UserError: MLflow's database or server cannot be used.
    """
    # Nobody asked for reports of what is run here to be sent to anybody.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    # Its own module sets levels while it is imported.
    importlib.import_module("mlflow.store.db.utils")
    for noisy in ("mlflow", "alembic", "lightning.pytorch.loggers.mlflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    known = Path(save_dir) / _ID_FILE
    place = Path(store).expanduser().absolute()
    if uri is None:
        # MLflow itself no longer writes to directories of files (`mlruns`), which it keeps for older runs only.
        place.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{place / 'mlflow.db'}"
        location = (place / "artifacts").as_uri()
    else:
        location = None
    tag_values = dict.fromkeys(tags, "true")
    tag_values |= {key: value for key, value in (("group", group), ("job_type", job_type)) if value}
    tag_values |= {"mlflow.note.content": notes} if notes else {}
    run_id = id or (known.read_text().strip() if known.is_file() else None)
    try:
        logger = RunMLFlowLogger(
            log_model,
            log_report,
            log_data,
            experiment_name=project,
            run_name=name or Path(save_dir).name,
            tracking_uri=uri,
            tags=tag_values,
            artifact_location=location,
            run_id=run_id,
        )
        found = str(logger.run_id)
    except Exception as error:
        # MLflow raises a dozen types here, most of them of its libraries.
        raise UserError(f"logger.mlflow: {uri} cannot be used ({one_line(error)})") from error
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(found + "\n")
    return logger
