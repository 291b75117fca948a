"""The one interface between a run and whatever tracks it: W&B, TensorBoard, MLflow, Comet, trackio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lightning.pytorch.loggers import Logger

from hepad.core.errors import UserError
from hepad.logging.results import Results

CHECKPOINTS: Final = {"none": (), "best": ("best",), "all": ("best", "last")}
"""Value of `log_model` → checkpoints that it uploads."""

ALERTS: Final = ("none", "end", "failure")
LOG_DATA: Final = ("none", "reference", "files")


@dataclass(frozen=True)
class ModelFiles:
    """Files of a trained model.

    Attributes:
        run_dir: of the training, with `checkpoints/` and `config.yaml`, which is needed to use a checkpoint.
        metadata: what a reader of the model should know: the AUCs, the headline number, the config, hashes.
    """

    run_dir: Path
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """Input of a run, for its lineage: a file of data, or the model of another run.

    Attributes:
        kind: `dataset` or `model`.
        name: of the data, or of the model.
        files: name inside it → the file.
        sha256: of its first file.
        metadata: what else is known of it.
        stored: the files themselves are in the tracker already under this name, or are to be.
    """

    kind: Literal["dataset", "model"]
    name: str
    files: Mapping[str, Path]
    sha256: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stored: bool = False


@dataclass(frozen=True)
class Notice:
    """Notice that a run or a campaign has ended.

    Attributes:
        title: at most 64 characters are shown.
        text: a few lines.
        failed: it did not end as it should.
    """

    title: str
    text: str
    failed: bool = False

    def is_wanted(self, alert: str) -> bool:
        """Return whether a tracker with this `alert` (one of `ALERTS`) sends it.

        >>> from hepad.logging.tracker import Notice
        >>> Notice("done", "").is_wanted("failure"), Notice("done", "", failed=True).is_wanted("failure")
        (False, True)
        """
        return alert == "end" or (alert == "failure" and self.failed)


class Tracker:
    """Part of a tracker beside the curves and the config that Lightning gives to every logger.

    A mixin of a Lightning logger. All but `log_results` may be left out where the tracker has nothing of the kind.
    """

    def log_results(self, results: Results) -> None:
        """Log numbers, pictures, tables, charts and histograms, as far as it can show them."""
        raise NotImplementedError

    def log_totals(self, totals: Mapping[str, float]) -> None:
        """Log numbers of the whole run beside its metrics: times, sizes, the best epoch and its losses."""

    def log_model(self, model: ModelFiles) -> None:
        """Keep the checkpoints that its config asks for."""

    def log_report(self, report: Path) -> None:
        """Keep the report page, where its config asks for it."""

    def use_inputs(self, inputs: Sequence[Input]) -> None:
        """Record what the run was made from."""

    def notify(self, notice: Notice) -> None:
        """Send a notice, where its config asks for it."""

    def finish(self, exit_code: int) -> None:
        """Close the tracker's run: finished where `exit_code` is 0, else failed."""


def trackers(loggers: Sequence[Logger]) -> list[Tracker]:
    """Return those of the loggers that take more than numbers."""
    return [logger for logger in loggers if isinstance(logger, Tracker)]


def tell(loggers: Sequence[Logger], results: Results) -> None:
    """Log results to every logger: all of them to a tracker, the numbers to any other, such as the CSV file."""
    for logger in loggers:
        if isinstance(logger, Tracker):
            logger.log_results(results)
        else:
            logger.log_metrics(dict(results.metrics), results.epoch)
            logger.save()


def finish(loggers: Sequence[Logger], exit_code: int) -> None:
    """Close the trackers' runs, all of them; one left open would swallow the next job of a sweep.

    Raises:
        Exception: the first that a tracker raised.
    """
    errors: list[Exception] = []
    for tracker in trackers(loggers):
        try:
            tracker.finish(exit_code)
        # Each talks to disks, processes or networks; the others are to be closed all the same.
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


def require_word(tracker: str, key: str, value: str, allowed: Sequence[str]) -> None:
    """Raise `UserError` where a key of a tracker has none of the allowed values."""
    if value not in allowed:
        raise UserError(f"logger.{tracker}.{key}={value}; allowed: {', '.join(allowed)}")
