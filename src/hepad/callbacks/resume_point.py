"""Checkpoints between any two epochs, with all random generators: a run goes on as if never stopped."""

import os
import random
import time
from pathlib import Path
from typing import Any, Final

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from hepad.callbacks.history import History
from hepad.core.files import Due


def random_state() -> dict[str, Any]:
    """Return the state of torch's (CPU and, once used, this process's GPU), NumPy's and Python's generators.

    Tensors and plain lists only: a checkpoint is read with `weights_only=True`. Of several processes with a GPU each
    all draw the same numbers (`hepad.nn.shared_batch_norm`), so the state of the one that writes is that of all.
    """
    # The generator that code without one of its own draws from; there is no newer way to ask for its state.
    numpy_state = dict(np.random.get_state(legacy=False))  # noqa: NPY002
    version, words, gauss = random.getstate()
    uses_gpu: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {
        "torch": torch.get_rng_state(),
        "cuda": [torch.cuda.get_rng_state()] if uses_gpu else [],
        # As tensors: six hundred numbers one by one take longer to write than all weights.
        "numpy": [
            torch.from_numpy(np.asarray(numpy_state["state"]["key"], np.int64)),
            int(numpy_state["state"]["pos"]),
        ],
        "python": [version, torch.tensor(words), gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put every generator back where `random_state` found it; that of a GPU where this process has one."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"][0])
    key, position = state["numpy"]
    np.random.set_state(("MT19937", np.asarray(key, dtype=np.uint32), position, 0, 0.0))  # noqa: NPY002
    version, words, gauss = state["python"]
    # A list in checkpoints of earlier versions.
    random.setstate((version, tuple(torch.as_tensor(words).tolist()), gauss))


LAST: Final = "last.ckpt"
PREVIOUS: Final = "previous.ckpt"


class ResumePoint(Callback):
    """Write last.ckpt when an epoch begins and it is due, and when training ends; keep the one before as previous.ckpt.

    The moment matters. Lightning's own checkpoint at the end of an epoch is written before the learning rate of
    `ReduceLROnPlateau` is updated and without the state of the random generators, so a model with dropout or noise
    would go on differently. When the next epoch begins all of that is done.

    Args:
        directory: where the checkpoints go.

    Attributes:
        begins_with: the state of the random generators for a training from its beginning; None for that in which
            Lightning starts it.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.begins_with: dict[str, Any] | None = None
        self.seconds = 0.0
        self._since = time.perf_counter()
        self._writing = False
        self._state: dict[str, Any] = {}
        self._restored: dict[str, Any] = {}
        self._begins_at: int | None = None
        self._due = Due()

    @property
    def epochs(self) -> int:
        """Number of epochs done when the checkpoint was written from which training goes on; 0 without one."""
        return int(self._restored.get("epochs", 0))

    @property
    def has_begun(self) -> bool:
        """True once everything was restored and an epoch has begun."""
        return self._begins_at is not None

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Let a run that had stopped early stay stopped: Lightning itself would train one epoch more."""
        if self.begins_with is not None:
            set_random_state(self.begins_with)
        trainer.should_stop = trainer.should_stop or bool(self._restored.get("stopped", False))
        self._since = time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Restore what Lightning does not, in the first epoch after a stop; write last.ckpt in every later one."""
        if self._begins_at is None:
            if self._restored:
                set_random_state(self._restored["random"])
                trainer.callback_metrics.update(self._restored["metrics"])
            self._begins_at = trainer.current_epoch
        elif trainer.current_epoch > self._begins_at and self._all_agree(trainer):
            self._write(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write last.ckpt once more, so that a run stopped while it is evaluated need not train again."""
        self._write(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed beside Lightning's own state; nothing for a checkpoint that another callback writes."""
        return self._state if self._writing else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the state of last.ckpt."""
        self._restored = state_dict
        self.seconds = state_dict.get("seconds", 0.0)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Say that no epoch has begun: Lightning counts one as begun before it calls `on_train_epoch_start`."""
        if self._writing:
            progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
            for tracker in (progress["total"], progress["current"]):
                tracker["ready"] = tracker["started"] = tracker["processed"] = tracker["completed"]

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Correct the paths that `ModelCheckpoint` remembers: it forgets the best score in a directory that moved."""
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint):
                state = checkpoint["callbacks"].get(callback.state_key)
                if state is not None:
                    _move(state, str(callback.dirpath))

    def _all_agree(self, trainer: L.Trainer) -> bool:
        """Return whether last.ckpt is due, by the clock of the first process: each must take part in writing it."""
        due = self._due.now()
        return due if trainer.world_size == 1 else bool(trainer.strategy.broadcast(due))

    def _write(self, trainer: L.Trainer) -> None:
        now = time.perf_counter()
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, History):
                callback.write(trainer)
        self.seconds, self._since = self.seconds + now - self._since, now
        self._state = {
            "epochs": trainer.current_epoch,
            "stopped": trainer.should_stop,
            "random": random_state(),
            "metrics": {name: torch.as_tensor(value).cpu() for name, value in trainer.callback_metrics.items()},
            "seconds": self.seconds,
        }
        if trainer.is_global_zero:
            _keep_previous(self.directory)
        self._writing = True
        try:
            trainer.save_checkpoint(self.directory / LAST)
        finally:
            self._writing = False
        self._due.wrote(time.perf_counter() - now)


def _keep_previous(directory: Path) -> None:
    """Make last.ckpt known as previous.ckpt too; there is no moment without a last.ckpt."""
    last, previous, aside = directory / LAST, directory / PREVIOUS, directory / f".{PREVIOUS}.tmp"
    # They are one file where a process was stopped right after this.
    if not last.exists() or (previous.exists() and last.samefile(previous)):
        return
    aside.unlink(missing_ok=True)
    try:
        os.link(last, aside)
    except OSError:
        # A file system without hard links.
        aside = last
    os.replace(aside, previous)


def _move(state: dict[str, Any], directory: str) -> None:
    def moved(path: str) -> str:
        return os.path.join(directory, os.path.basename(path)) if path else path

    state["dirpath"] = directory
    for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[key] = moved(state[key])
    state["best_k_models"] = {moved(path): score for path, score in state["best_k_models"].items()}
