"""Progress of a training: in the line of a terminal (`hepad.core.phases`), or one line per epoch in a batch log."""

import sys
import time
from typing import Any, Final

import lightning as L
from lightning.pytorch.callbacks import Callback, ProgressBar

from hepad.core.phases import PHASES, PhaseLine, minutes

_UNTOLD: Final = frozenset({"train/lr", "train/generator_steps", "train/discriminator_steps"})
"""Logged, but nothing to watch in a line per epoch."""
_WATCHED: Final = "val/loss"
_SECONDS_BETWEEN_LINES: Final = 2.0


def progress_bar() -> Callback:
    """Return what shows the epochs in the line of a terminal, else a printer of one line per epoch."""
    return EpochsInTheLine() if sys.stdout.isatty() else EpochLines()


class EpochsInTheLine(ProgressBar):
    """Show epoch, validation loss and the time that is left at most, in the line of this process.

    Args:
        line: where it is shown.
    """

    def __init__(self, line: PhaseLine = PHASES) -> None:
        super().__init__()
        self.line = line
        self._began, self._first = 0.0, 0.0
        self._epochs, self._done = 0.0, 0.0
        self._loss = ""

    def disable(self) -> None:
        """Leave the line to another process: the first one has it."""
        self.line = PhaseLine()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to count."""
        self._began, self._first, self._done = self.line.clock(), trainer.current_epoch, trainer.current_epoch
        self._epochs = float(trainer.max_epochs or -1)
        self.line.begin("training")
        self.line.detail = self.text

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take over how far the epoch is."""
        self._done = trainer.current_epoch + (batch_idx + 1) / max(1.0, trainer.num_training_batches)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take over the loss of validation."""
        self._done = trainer.current_epoch + 1
        found = trainer.callback_metrics.get(_WATCHED)
        self._loss = "" if found is None else f" · {_WATCHED} {float(found):.4g}"

    def text(self) -> str:
        """Return `epoch 3/30 · val/loss 0.94 · at most 0:12 left`."""
        epoch = int(self._done) + 1
        took, trained = self.line.clock() - self._began, self._done - self._first
        if self._epochs < 0:
            return f"epoch {epoch}{self._loss} · {minutes(took)}"
        left = "" if trained <= 0 else f" · at most {minutes(took / trained * (self._epochs - self._done))} left"
        return f"epoch {min(epoch, round(self._epochs))}/{self._epochs:.0f}{self._loss}{left}"


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
