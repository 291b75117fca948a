"""W&B as a tracker: a run that has begun, and what it is told when the training is done."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch.loggers import Logger, WandbLogger

from hepad.logging import wandb_files
from hepad.logging.results import Results
from hepad.logging.tracker import Input, ModelFiles, Notice, Tracker

if TYPE_CHECKING:
    # Imported by the functions that need it: a run without W&B need not wait for it.
    from wandb.sdk.wandb_run import Run as WandbRun

_LONGEST_TITLE = 63


class RunWandbLogger(WandbLogger, Tracker):
    """Lightning's W&B logger of a run that has begun, with what to upload when the run is done.

    Args:
        run: the W&B run.
        save_dir: the run's directory.
        checkpoints: a key of `hepad.logging.tracker.CHECKPOINTS`. Lightning's own `log_model` raises offline.
        report: whether the report page becomes a panel.
        data: one of `hepad.logging.tracker.LOG_DATA`: how inputs are recorded.
        registry: collection of W&B's registry that the best model is linked to; None for none.
        alert: one of `hepad.logging.tracker.ALERTS`.
    """

    def __init__(
        self,
        run: "WandbRun",
        save_dir: str,
        checkpoints: str = "none",
        report: bool = False,
        data: str = "none",
        registry: str | None = None,
        alert: str = "none",
    ) -> None:
        super().__init__(experiment=run, save_dir=save_dir)
        self.checkpoints = checkpoints
        self.report = report
        self.data = data
        self.registry = registry
        self.alert = alert

    @property
    def run(self) -> "WandbRun":
        """The W&B run."""
        run: WandbRun = self.experiment
        return run

    def log_results(self, results: Results) -> None:
        """Log numbers, tables, charts, histograms and pictures; see `hepad.logging.wandb_results`."""
        # Imported here, as it imports W&B itself.
        from hepad.logging import wandb_results

        wandb_results.log_results(self.run, results)

    def log_totals(self, totals: Mapping[str, float]) -> None:
        """Put into the summary what a table of runs is sorted by beside the metrics, under plain names."""
        self.run.summary.update(dict(totals))

    def log_model(self, model: ModelFiles) -> None:
        """Log the checkpoints as artifacts, and link the best one to the registry."""
        wandb_files.log_checkpoints(self.run, model, self.checkpoints, self.registry)

    def log_report(self, report: Path) -> None:
        """Make the report page a panel of the run, where it is wanted."""
        if self.report:
            wandb_files.log_report(self.run, report)

    def use_inputs(self, inputs: Sequence[Input]) -> None:
        """Record data and models that the run was made from, as artifacts that it used."""
        if self.data != "none":
            for item in inputs:
                wandb_files.use_input(self.run, item, self.data)

    def notify(self, notice: Notice) -> None:
        """Send an alert; offline it is kept in the record, and `wandb sync` sends it."""
        if notice.is_wanted(self.alert):
            title = notice.title[:_LONGEST_TITLE]
            self.run.alert(title=title, text=notice.text, level="ERROR" if notice.failed else "INFO")

    def finish(self, exit_code: int) -> None:
        """Close the W&B run."""
        self.run.finish(exit_code=exit_code)


def wandb_runs(loggers: Sequence[Logger]) -> list["WandbRun"]:
    """Return the W&B runs among the loggers."""
    return [logger.experiment for logger in loggers if isinstance(logger, WandbLogger)]


def wandb_identity(loggers: Sequence[Logger]) -> dict[str, str | None] | None:
    """Return where the W&B run of a training is found: id, project, entity and, where it is online, URL."""
    for run in wandb_runs(loggers):
        # Offline, W&B answers a question for the URL with a warning.
        url = None if run.offline else run.url
        return {"id": run.id, "project": run.project, "entity": run.entity or None, "url": url}
    return None
