"""History of the epochs as a file, and their progress in a terminal or a batch log."""

import csv
import io
import math
import sys
import time
from pathlib import Path
from typing import Any, Final

import lightning as L
from lightning.pytorch.callbacks import Callback, RichProgressBar

from hepad.core.files import atomic_write_text


class History(Callback):
    """Keep every logged number of every epoch and write them to a CSV file, which is whole at any moment.

    Args:
        path: the file; its columns are `epoch` and the names of the metrics.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add this epoch's row and write the file anew."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        # For the other loggers: everything else here was logged by the model.
        pl_module.log("train/lr", rate)
        self.rows.append({"epoch": trainer.current_epoch, **dict(sorted(metrics.items())), "train/lr": rate})
        if trainer.is_global_zero:
            atomic_write_text(self.path, to_csv(self.rows))

    def columns(self) -> dict[str, list[float]]:
        """Return name → one value per epoch, NaN where an epoch has none."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, so that a resumed run keeps its past."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])


def to_csv(rows: list[dict[str, float]]) -> str:
    """Return `rows` as CSV text; the columns are all names that occur, in order of appearance."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


_UNTOLD: Final = frozenset({"train/lr", "train/generator_steps", "train/discriminator_steps"})
"""Logged, but nothing to watch in a line per epoch."""
_SECONDS_BETWEEN_LINES: Final = 2.0


def progress_bar() -> Callback:
    """Return a rich progress bar where stdout is a terminal, else a printer of one line per epoch."""
    return RichProgressBar(leave=False) if sys.stdout.isatty() else EpochLines()


class EpochLines(Callback):
    """Print the metrics of an epoch, at most one line in two seconds and always the last."""

    def __init__(self) -> None:
        self._printed_at = -float("inf")
        self._line = ""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print this epoch's line if the last one is old enough."""
        told = {name: float(value) for name, value in trainer.callback_metrics.items() if name not in _UNTOLD}
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in sorted(told.items()))
        self._line = f"epoch {trainer.current_epoch}: {metrics}"
        if trainer.is_global_zero and time.monotonic() - self._printed_at >= _SECONDS_BETWEEN_LINES:
            self._print()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the last epoch's line if it was held back."""
        if trainer.is_global_zero:
            self._print()

    def _print(self) -> None:
        if self._line:
            print(self._line, flush=True)
        self._line, self._printed_at = "", time.monotonic()
