"""Records of a run for its loggers, of which a failure costs a warning and never the run."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec

import numpy as np
from lightning.pytorch.loggers import Logger
from numpy.typing import ArrayLike

from hepad.config import RunConfig
from hepad.core.errors import one_line
from hepad.logging.lineage import model_metadata
from hepad.logging.results import Results
from hepad.logging.tracker import Input, ModelFiles, Notice, finish, tell, trackers
from hepad.logging.wandb_tracker import wandb_runs
from hepad.metrics import Evaluation

_TO_COME: Final = ("status", "reason", "epochs", "seconds")


def log_origin(loggers: Sequence[Logger], cfg: RunConfig, facts: Mapping[str, Any]) -> None:
    """Log the resolved config, key by key, and beside it the provenance.

    Not what is still to come, such as the status: a config is written once, and loggers know the state of a run.
    """
    for logger in loggers:
        known = {key: value for key, value in facts.items() if key not in _TO_COME}
        logger.log_hyperparams({**cfg.plain(), "provenance": known})


def log_inputs(loggers: Sequence[Logger], inputs: Sequence[Input]) -> None:
    """Log what a run is made from, to those loggers whose configs ask for it."""
    for tracker in trackers(loggers):
        tracker.use_inputs(inputs)


def log_lost_epochs(loggers: Sequence[Logger], history: Mapping[str, ArrayLike]) -> None:
    """Log the epochs of a killed process once more, where W&B is offline.

    W&B writes its record in blocks of 32 kB, about a hundred epochs, so the last ones are lost with the process. Those
    that were not lost are drawn twice at the same place.

    Args:
        loggers: of the run.
        history: column of history.csv → one value per epoch, NaN where an epoch has none.
    """
    columns = {name: np.asarray(values, dtype=float) for name, values in history.items()}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for run in wandb_runs(loggers):
        for row in rows if run.offline else []:
            run.log({name: float(value) for name, value in row.items() if np.isfinite(value)})


def log_results(loggers: Sequence[Logger], results: Results) -> None:
    """Log the results to every logger, as far as it can show them."""
    tell(loggers, results)


def log_totals(loggers: Sequence[Logger], facts: Mapping[str, Any], best: Mapping[str, float] | None = None) -> None:
    """Log what a table of runs is sorted by beside the metrics, under plain names.

    Args:
        loggers: of the run.
        facts: provenance: `seconds/train`, `seconds/score` and `parameters` are made of it.
        best: the row of history.csv of the best epoch, whose weights were tested: its `train/…` and `val/…` take the
            place of those of the last epoch, which W&B itself keeps, and `best_epoch` says which it is.
    """
    totals = {f"seconds/{part}": facts["seconds"][part] for part in ("train", "score")}
    totals["parameters"] = facts["parameters"]
    if best is not None:
        totals["best_epoch"] = int(best["epoch"])
        totals |= {name: value for name, value in best.items() if name != "epoch" and np.isfinite(value)}
    for tracker in trackers(loggers):
        tracker.log_totals(totals)


def log_files(
    loggers: Sequence[Logger], run_dir: Path, evaluation: Evaluation, cfg: RunConfig, facts: Mapping[str, Any]
) -> None:
    """Log the files that the loggers' configs ask for; they must be complete."""
    model = ModelFiles(run_dir, model_metadata(evaluation, cfg, facts))
    for tracker in trackers(loggers):
        tracker.log_model(model)
    log_report(loggers, run_dir / "report.html")


def log_report(loggers: Sequence[Logger], report: Path) -> None:
    """Log the page to those loggers whose configs ask for it."""
    for tracker in trackers(loggers):
        tracker.log_report(report)


def notify(loggers: Sequence[Logger], notice: Notice) -> None:
    """Send a notice through those loggers whose configs ask for it."""
    for tracker in trackers(loggers):
        tracker.notify(notice)


_Words = ParamSpec("_Words")


class SafeLogging:
    """Calls what logs; after the first failure, which is told once, nothing more is logged.

    Args:
        end: of the warning: how the run stands.

    Attributes:
        warnings: the failure as a sentence for the report; empty where there was none.
    """

    def __init__(self, end: str = "; the run itself is complete") -> None:
        self._end = end
        self.warnings: list[str] = []

    def __call__(self, log: Callable[_Words, None], *args: _Words.args, **kwargs: _Words.kwargs) -> None:
        """Call `log` with the arguments given, unless an earlier call failed."""
        if not self.warnings:
            self._try(lambda: log(*args, **kwargs))

    def finish(self, loggers: Sequence[Logger], exit_code: int = 0) -> None:
        """Close the loggers' runs with an exit code, or as failed where something was not logged."""
        code = exit_code or (1 if self.warnings else 0)
        self._try(lambda: finish(loggers, exit_code=code))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        # Loggers talk to disks, processes and networks, each with exceptions of its own; the run is done without them.
        except Exception as error:
            if not self.warnings:
                print(f"warning: logging failed ({one_line(error)}){self._end}", file=sys.stderr)
            self.warnings.append(f"Logging failed ({one_line(error)}): loggers do not hold all of this run.")
