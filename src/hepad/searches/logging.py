"""Records of a search for its loggers: numbers under their flat names, figures and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from PIL import Image

from hepad.core.names import file_name
from hepad.logging.loggers import RunWandbLogger, wandb_runs
from hepad.logging.wandb_files import log_report
from hepad.searches.findings import results
from hepad.searches.metrics import PREFIX, search_metrics
from hepad.searches.page import PAGE, PLOTS
from hepad.searches.record import MethodResult, SearchRecord
from hepad.searches.tables import found_columns

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run as WandbRun

_CUT_COLUMNS: Final = (
    *("method", "null_twin", "window", "low", "high", "efficiency", "observed", "expected", "error", "p_local"),
    *("p_toys", "z", "limit", "limit_median", "sculpting", "signal", "failure"),
)


def log_search(loggers: Sequence[Logger], record: SearchRecord, directory: Path) -> None:
    """Log the numbers of metrics.json to every logger, and figures and tables where it can show them.

    Args:
        loggers: of the search.
        record: what was found.
        directory: of the search, where its page and plots/ were written.
    """
    metrics = search_metrics(record)
    pictures = {path.stem: path for path in sorted((directory / PLOTS).glob("*.png"))}
    for run in wandb_runs(loggers):
        _log_to_wandb(run, record, metrics, pictures)
    for logger in loggers:
        if isinstance(logger, RunWandbLogger) and logger.report:
            log_report(logger.experiment, directory / PAGE)
        elif isinstance(logger, CSVLogger):
            logger.log_metrics(dict(metrics), 0)
            logger.save()
        elif isinstance(logger, TensorBoardLogger):
            logger.log_metrics(metrics, 0)
            for name, path in pictures.items():
                with Image.open(path) as picture:
                    logger.experiment.add_image(f"plots/{name}", np.asarray(picture), 0, dataformats="HWC")
            logger.save()


def _log_to_wandb(run: "WandbRun", record: SearchRecord, metrics: dict[str, float], pictures: dict[str, Path]) -> None:
    """Log to W&B; the summary is written too, as it otherwise gets a logged value only with the history."""
    import wandb

    run.log(metrics)
    run.summary.update(metrics)
    shown: dict[str, Any] = {f"{PREFIX}/cuts": wandb.Table(columns=list(_CUT_COLUMNS), data=cut_rows(record))}
    for method in record.methods:
        columns = found_columns(record, method)
        if columns:
            rows = [list(row) for row in zip(*columns.values(), strict=True)]
            shown[f"{PREFIX}/found/{file_name(method.method)}"] = wandb.Table(columns=list(columns), data=rows)
    shown |= {f"plots/{name}": wandb.Image(str(path)) for name, path in pictures.items()}
    run.log(shown)


def cut_rows(record: SearchRecord) -> list[list[Any]]:
    """Return one row for each cut of each method in each window, those of null twins among them."""
    rows = []
    for method in record.methods:
        rows += _rows_of(record, method, null=False)
        if method.null is not None:
            rows += _rows_of(record, method.null, null=True)
    return rows


def _rows_of(record: SearchRecord, method: MethodResult, null: bool) -> list[list[Any]]:
    windows = {window.name: window for window in record.windows}
    return [
        [
            *(method.method, null, result.window, windows[result.window].low, windows[result.window].high),
            *(cut.efficiency, cut.observed, cut.expected, cut.error, cut.p, cut.p_toys, cut.z),
            *(cut.limits.get("observed"), cut.limits.get("median"), cut.sculpting, cut.signal, cut.failure),
        ]
        for result, cut in results(method)
    ]
