"""History of the epochs as a file."""

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

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
