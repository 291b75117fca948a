"""Records of a run for its loggers, of which a failure costs a warning and never the run."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from numpy.typing import ArrayLike
from PIL import Image

from hepad.config import RunConfig
from hepad.core.errors import one_line
from hepad.logging import wandb_files
from hepad.logging.loggers import RunWandbLogger, finish, wandb_runs
from hepad.metrics import Evaluation, ScoredSample

_TO_COME: Final = ("status", "reason", "epochs", "seconds")


def log_origin(loggers: Sequence[Logger], cfg: RunConfig, facts: Mapping[str, Any]) -> None:
    """Log the resolved config, key by key, and beside it the provenance.

    Not what is still to come, such as the status: a config is written once, and loggers know the state of a run.
    """
    for logger in loggers:
        known = {key: value for key, value in facts.items() if key not in _TO_COME}
        logger.log_hyperparams({**cfg.plain(), "provenance": known})


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


def log_results(
    loggers: Sequence[Logger],
    evaluation: Evaluation,
    samples: Mapping[str, ScoredSample],
    pictures: Mapping[str, Path],
    epoch: int,
    top: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Log the metrics to every logger, and what else it can show.

    Args:
        loggers: of the run.
        evaluation: the numbers.
        samples: name → scored sample, for histograms.
        pictures: name → PNG file.
        epoch: how many were trained: where TensorBoard and the CSV file place the numbers.
        top: columns of a table of the most anomalous entries; None for none.
    """
    for run in wandb_runs(loggers):
        # Imported here, as it imports W&B itself.
        from hepad.logging import wandb_results

        wandb_results.log_results(run, evaluation, samples, pictures, top)
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            logger.log_metrics(dict(evaluation.metrics), epoch)
            logger.save()
        elif isinstance(logger, TensorBoardLogger):
            logger.log_metrics(dict(evaluation.metrics), epoch)
            for name, sample in samples.items():
                logger.experiment.add_histogram(f"test/scores/{name}", sample.score, epoch)
            for name, path in pictures.items():
                with Image.open(path) as picture:
                    logger.experiment.add_image(f"plots/{name}", np.asarray(picture), epoch, dataformats="HWC")
            logger.save()


def log_totals(loggers: Sequence[Logger], facts: Mapping[str, Any], best: Mapping[str, float] | None = None) -> None:
    """Put into W&B's summary what a table of runs is sorted by beside the metrics, under plain names.

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
    for run in wandb_runs(loggers):
        run.summary.update(totals)


def log_files(loggers: Sequence[Logger], run_dir: Path, evaluation: Evaluation) -> None:
    """Log the files that the logger's config asks for; they must be complete."""
    for logger in loggers:
        if isinstance(logger, RunWandbLogger):
            wandb_files.log_checkpoints(logger.experiment, run_dir, logger.checkpoints, evaluation.metrics)
            if logger.report:
                wandb_files.log_report(logger.experiment, run_dir / "report.html")


_Words = ParamSpec("_Words")


class SafeLogging:
    """Calls what logs; after the first failure, which is told once, nothing more is logged.

    Attributes:
        warnings: the failure as a sentence for the report; empty where there was none.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def __call__(self, log: Callable[_Words, None], *args: _Words.args, **kwargs: _Words.kwargs) -> None:
        """Call `log` with the arguments given, unless an earlier call failed."""
        if not self.warnings:
            self._try(lambda: log(*args, **kwargs))

    def finish(self, loggers: Sequence[Logger]) -> None:
        """Close the loggers' runs as finished, or as failed where something was not logged."""
        code = 1 if self.warnings else 0
        self._try(lambda: finish(loggers, exit_code=code))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        # Loggers talk to disks, processes and networks, each with exceptions of its own; the run is done without them.
        except Exception as error:
            if not self.warnings:
                print(f"warning: logging failed ({one_line(error)}); the run itself is complete", file=sys.stderr)
            self.warnings.append(f"Logging failed ({one_line(error)}): loggers do not hold all of this run.")
