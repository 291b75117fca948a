"""History of the epochs as a file, and their progress in a terminal or a batch log."""

import csv
import io
import math
import sys
import time
from pathlib import Path
from typing import Any, Final

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar

from hepad.core.files import Due, atomic_write_text
from hepad.models import AnomalyModel


class EpochMeansFirst(Callback):
    """Log the means of an epoch's steps before any other callback looks at them; stands first."""

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log them."""
        if isinstance(pl_module, AnomalyModel):
            pl_module.log_epoch_means()


class History(Callback):
    """Keep every logged number of every epoch and write them to a CSV file, which is whole at any moment.

    Where epochs are short, the file lags behind by so much that writing it takes no more than a hundredth of the time.

    Args:
        path: the file; its columns are `epoch` and the names of the metrics.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows: list[dict[str, float]] = []
        self._written = 0
        self._due = Due()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add this epoch's row, and write the file anew when that is due."""
        if isinstance(pl_module, AnomalyModel):
            pl_module.log_epoch_means()
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        # For the other loggers: everything else here was logged by the model.
        pl_module.log("train/lr", rate)
        self.rows.append({"epoch": trainer.current_epoch, **dict(sorted(metrics.items())), "train/lr": rate})
        if self._due.now():
            self.write(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write what was held back."""
        self.write(trainer)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Write what was held back."""
        self.write(trainer)

    def write(self, trainer: L.Trainer) -> None:
        """Write the file anew, if there are rows that it does not hold."""
        if not trainer.is_global_zero or self._written == len(self.rows):
            return
        began = time.monotonic()
        atomic_write_text(self.path, to_csv(self.rows))
        self._written = len(self.rows)
        self._due.wrote(time.monotonic() - began)

    def columns(self) -> dict[str, list[float]]:
        """Return name → one value per epoch, NaN where an epoch has none."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        return {name: [row.get(name, math.nan) for row in self.rows] for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Return the rows as one tensor, so that a resumed run keeps its past and a long one is not slower to keep."""
        names = list(self.columns())
        values = [[row.get(name, math.nan) for name in names] for row in self.rows]
        known = [[name in row for name in names] for row in self.rows]
        shape = (len(self.rows), len(names))
        return {
            "names": names,
            "values": torch.tensor(values, dtype=torch.float64).reshape(shape),
            "known": torch.tensor(known, dtype=torch.bool).reshape(shape),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of a checkpoint."""
        self._written = 0
        if "rows" in state_dict:
            # Of an earlier version.
            self.rows = list(state_dict["rows"])
            return
        names = state_dict["names"]
        values, known = state_dict["values"].tolist(), state_dict["known"].tolist()
        self.rows = [
            {name: _whole(name, value) for name, value, there in zip(names, row, present, strict=True) if there}
            for row, present in zip(values, known, strict=True)
        ]


def _whole(name: str, value: float) -> float:
    return int(value) if name == "epoch" else value


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
