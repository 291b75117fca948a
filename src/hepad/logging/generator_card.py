"""Records of a generator card for its loggers: numbers under their flat names, a table of observables, pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from PIL import Image

from hepad.logging.loggers import RunWandbLogger, wandb_runs
from hepad.logging.wandb_files import log_report

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run as WandbRun

_COLUMNS: Final = ("separation", "chi2_per_ndf", "p_value", "w1")


def log_card(loggers: Sequence[Logger], directory: Path, metrics: Mapping[str, float], epoch: int) -> None:
    """Log the numbers of a card to every logger, and pictures and a table where it can show them.

    Args:
        loggers: of the card.
        directory: of the card, where its page and plots/ were written.
        metrics: flat name → number.
        epoch: how many were trained: where TensorBoard and the CSV file place the numbers.
    """
    pictures = {path.stem: path for path in sorted((directory / "plots").glob("*.png"))}
    for run in wandb_runs(loggers):
        _log_to_wandb(run, metrics, pictures)
    for logger in loggers:
        if isinstance(logger, RunWandbLogger) and logger.report:
            log_report(logger.experiment, directory / "report.html")
        elif isinstance(logger, CSVLogger):
            logger.log_metrics(dict(metrics), epoch)
            logger.save()
        elif isinstance(logger, TensorBoardLogger):
            logger.log_metrics(dict(metrics), epoch)
            for name, path in pictures.items():
                with Image.open(path) as picture:
                    logger.experiment.add_image(f"plots/{name}", np.asarray(picture), epoch, dataformats="HWC")
            logger.save()


def _log_to_wandb(run: "WandbRun", metrics: Mapping[str, float], pictures: Mapping[str, Path]) -> None:
    """Log to W&B; the summary is written too, as it otherwise gets a logged value only with the history."""
    import wandb

    run.log(dict(metrics))
    run.summary.update(dict(metrics))
    shown: dict[str, Any] = {f"plots/{name}": wandb.Image(str(path)) for name, path in pictures.items()}
    table = wandb.Table(columns=["observable", "side", *_COLUMNS], data=observable_rows(metrics))
    run.log({"generator/observables_table": table, **shown})


def observable_rows(metrics: Mapping[str, float]) -> list[list[Any]]:
    """Return one row for each observable of generated entries, and one for its floor.

    >>> from hepad.logging.generator_card import observable_rows
    >>> observable_rows({"generator/separation/pt": 0.01, "generator/p_value/pt": 0.2})
    [['pt', 'generator', 0.01, None, 0.2, None]]
    """
    rows = []
    for prefix in ("generator", "generator_floor"):
        start = f"{prefix}/separation/"
        names = [name.removeprefix(start) for name in metrics if name.startswith(start)]
        rows += [[name, prefix, *(metrics.get(f"{prefix}/{what}/{name}") for what in _COLUMNS)] for name in names]
    return rows
