"""One row per epoch, in memory and in history.csv."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback

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
