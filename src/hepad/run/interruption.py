"""Ctrl-C and a batch system's SIGTERM: stop at once, and leave a run that can be resumed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import lightning as L
from lightning.pytorch.callbacks import Callback

from hepad.core.errors import Interrupted

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise `Interrupted` at the first SIGINT or SIGTERM; ignore further ones until the end of the block.

    Not a `KeyboardInterrupt`, which Lightning answers by ending the process with exit code 1. Outside the main thread,
    where signals cannot be handled, and inside another such block nothing changes.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is _stop:
        yield
        return
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    # What follows, writing how far the run came and closing the W&B run, takes seconds.
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


class OwnSignals(Callback):
    """Takes SIGTERM back from Lightning, whose handler waits for all processes to get the signal; hepad ends them."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take it back for the training."""
        _take_back()

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Take it back for the evaluation."""
        _take_back()


def _take_back() -> None:
    # Lightning leaves SIGINT alone, so that tells whether a `stop_on_signals` is around.
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGTERM, _stop)
