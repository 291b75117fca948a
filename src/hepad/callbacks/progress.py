"""Progress on a terminal, plain lines in a batch log."""

import sys
import time
from typing import Final

import lightning as L
from lightning.pytorch.callbacks import Callback, RichProgressBar

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
