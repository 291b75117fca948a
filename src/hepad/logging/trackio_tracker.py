"""trackio as a tracker: Hugging Face's local database and pages, under the names that W&B is given."""

import contextlib
import io
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import Logger

from hepad.logging.results import Results, score_histograms
from hepad.logging.tracker import (
    ALERTS,
    CHECKPOINTS,
    Input,
    ModelFiles,
    Notice,
    Tracker,
    require_word,
)

if TYPE_CHECKING:
    from trackio import Run

_DIRECTORY: Final = "TRACKIO_DIR"
_ID_FILE: Final = "trackio/run_id"


class RunTrackioLogger(Logger, Tracker):
    """A Lightning logger that writes to a run of trackio, which has none of its own.

    Args:
        run: trackio's run.
        save_dir: the run's directory.
        project: of trackio.
        checkpoints: a key of `hepad.logging.tracker.CHECKPOINTS`.
        report: whether the report page is logged.
        data: one of `hepad.logging.tracker.LOG_DATA`.
        alert: one of `hepad.logging.tracker.ALERTS`.
    """

    def __init__(
        self, run: "Run", save_dir: str, project: str, checkpoints: str, report: bool, data: str, alert: str
    ) -> None:
        super().__init__()
        self.run = run
        self._save_dir = save_dir
        self._project = project
        self.checkpoints = checkpoints
        self.report = report
        self.data = data
        self.alert = alert
        self._step = 0

    @property
    def name(self) -> str:
        """The project."""
        return self._project

    @property
    def version(self) -> str:
        """The id of trackio's run."""
        return str(self.run.id)

    @property
    def save_dir(self) -> str:
        """The run's directory."""
        return self._save_dir

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Keep the config; trackio writes it with the first numbers."""
        self.run.config = {**self.run.config, **(vars(params) if isinstance(params, Namespace) else params)}

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers at a step; trackio queues them and never raises for what it cannot write."""
        self._step = self._step if step is None else step
        self.run.log({name: float(value) for name, value in metrics.items()}, step=self._step)

    def log_results(self, results: Results) -> None:
        """Log numbers, tables, histograms and pictures under the names that W&B has."""
        import trackio

        record: dict[str, Any] = dict(results.metrics)
        for name, table in results.all_tables().items():
            record[name] = trackio.Table(columns=list(table.columns), data=[list(row) for row in table.rows])
        for name, histogram in score_histograms(results.scores).items():
            record[name] = trackio.Histogram(np_histogram=histogram)
        for name, path in results.pictures.items():
            record[f"plots/{name}"] = trackio.Image(str(path))
        self._step = max(self._step, results.epoch)
        self.run.log(record, step=self._step)

    def log_totals(self, totals: Mapping[str, float]) -> None:
        """Log times and sizes; the curves have their own points, which the best epoch's would be drawn into."""
        own = {name: value for name, value in totals.items() if not name.startswith(("train/", "val/"))}
        self.run.log(own, step=self._step)

    def log_model(self, model: ModelFiles) -> None:
        """Keep the checkpoints as versions of the artifact `model-<run>`."""
        import trackio

        for alias in CHECKPOINTS[self.checkpoints]:
            artifact = trackio.Artifact(f"model-{self.run.name}", type="model", metadata=dict(model.metadata))
            artifact.add_file(str(model.run_dir / "checkpoints" / f"{alias}.ckpt"), f"checkpoints/{alias}.ckpt")
            artifact.add_file(str(model.run_dir / "config.yaml"), "config.yaml")
            self.run.log_artifact(artifact, aliases=[alias])

    def log_report(self, report: Path) -> None:
        """Log the report page, where it is wanted."""
        import trackio

        if self.report:
            self.run.log({"report": trackio.Html(report.read_text(encoding="utf-8"))}, step=self._step)

    def use_inputs(self, inputs: Sequence[Input]) -> None:
        """Record what the run was made from in its config, by name and hash."""
        if self.data != "none":
            self.log_hyperparams({"inputs": {item.name: item.sha256 for item in inputs}})

    def notify(self, notice: Notice) -> None:
        """Keep an alert in the database, and send it to TRACKIO_WEBHOOK_URL where that is set."""
        import trackio

        if notice.is_wanted(self.alert):
            level = trackio.AlertLevel.ERROR if notice.failed else trackio.AlertLevel.INFO
            with contextlib.redirect_stdout(io.StringIO()):
                self.run.alert(notice.title, notice.text, level=level)

    def finish(self, exit_code: int) -> None:
        """Write what is queued, and close the run."""
        self.run.log({"exit_code": exit_code}, step=self._step)
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):
            # trackio's own function forgets the run too, which would be closed once more at the end of the process.
            if trackio.context_vars.current_run.get() is self.run:
                trackio.finish()
            else:
                self.run.finish()


def trackio_logger(
    save_dir: str,
    store: str,
    project: str = "hepad",
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] = (),
    notes: str | None = None,
    log_model: str = "none",
    log_report: bool = False,
    log_data: str = "reference",
    alert: str = "none",
) -> RunTrackioLogger:
    """Start the trackio run of a training, or go on with the one of its name.

    Args:
        save_dir: the run's directory.
        store: directory of trackio's databases; TRACKIO_DIR wins. trackio reads it once in a process.
        project: of trackio.
        name: of the run; None for the name of the run's directory.
        group: of the run.
        job_type, tags, notes: kept in its config.
        log_model: checkpoints to keep: `none`, `best` or `all`.
        log_report: whether the report page is logged.
        log_data: whether what the run is made from is recorded: `none`, or any other word.
        alert: `none`, `end` or `failure`.

    Raises:
        UserError: a word is unknown.
    """
    require_word("trackio", "alert", alert, ALERTS)
    require_word("trackio", "log_model", log_model, tuple(CHECKPOINTS))
    if "trackio" not in sys.modules:
        os.environ.setdefault(_DIRECTORY, str(Path(store).expanduser().absolute()))
    import trackio

    begun = Path(save_dir) / _ID_FILE
    known = {"job_type": job_type, "tags": list(tags), "notes": notes}
    # What it prints would break hepad's table.
    with contextlib.redirect_stdout(io.StringIO()):
        run = trackio.init(
            project=project,
            name=name or Path(save_dir).name,
            group=group,
            config={key: value for key, value in known.items() if value},
            resume="allow" if begun.is_file() else "never",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
    begun.parent.mkdir(parents=True, exist_ok=True)
    begun.write_text(f"{run.id}\n")
    return RunTrackioLogger(run, save_dir, project, log_model, log_report, log_data, alert)
