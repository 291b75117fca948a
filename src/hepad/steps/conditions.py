"""Reasons to take the steps of a training one by one: something that looks at each of them, or joins several."""

from typing import Any, Final

import lightning as L
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, ProgressBar, Timer
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.profilers import PassThroughProfiler

from hepad.data.loader import BatchLoader
from hepad.models import AnomalyModel

_AROUND_STEPS: Final = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
)
_OF_A_STEP: Final = (
    "optimizer_step",
    "optimizer_zero_grad",
    "backward",
    "configure_gradient_clipping",
    "clip_gradients",
)
_OF_A_BATCH: Final = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")


def one_by_one(trainer: L.Trainer) -> str:
    """Return why a block of steps would not do what single steps do; empty where it would.

    Args:
        trainer: with its model, data and optimisers, about to train.

    >>> import lightning as L
    >>> from hepad.steps.conditions import one_by_one
    >>> one_by_one(L.Trainer(logger=False, accelerator="cpu", accumulate_grad_batches=2))
    'trainer.accumulate_grad_batches'
    """
    model, data = trainer.lightning_module, trainer.datamodule  # type: ignore[attr-defined]
    precision = trainer.precision_plugin
    settings = {
        "several processes": trainer.world_size > 1,
        "trainer.accumulate_grad_batches": trainer.accumulate_grad_batches > 1,
        "trainer.detect_anomaly": trainer._detect_anomaly,
        "trainer.profiler": not isinstance(trainer.profiler, PassThroughProfiler),  # type: ignore[attr-defined]
        "the scaled gradients of trainer.precision": isinstance(precision, MixedPrecision)
        and precision.scaler is not None,
        "trainer.val_check_interval": trainer.val_check_interval != 1.0,
        "clipping by another rule than the norm": trainer.gradient_clip_algorithm not in (None, "norm"),
    }
    found = [name for name, holds in settings.items() if holds]
    if found:
        return found[0]
    if not isinstance(model, AnomalyModel):
        return "a model that is not hepad's"
    if not isinstance(trainer.train_dataloader, BatchLoader):
        return "a loader that is not hepad's"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if not _leaves_steps_alone(callback):
            return f"the callback {type(callback).__name__}"
    for owner, base, hooks in (
        (model, AnomalyModel, (*_AROUND_STEPS, *_OF_A_STEP, *_OF_A_BATCH)),
        (data, L.LightningDataModule, _OF_A_BATCH),
    ):
        changed = [hook for hook in hooks if owner is not None and _overrides(owner, base, hook)]
        if changed:
            return f"{type(owner).__name__}.{changed[0]}"
    if any(config.interval == "step" for config in trainer.lr_scheduler_configs):
        return "a scheduler that moves at every step"
    return ""


def _leaves_steps_alone(callback: Callback) -> bool:
    """Return whether a callback does nothing at a step, or nothing that could not wait for the last of a block."""
    if isinstance(callback, ProgressBar | Timer):
        return True
    if isinstance(callback, ModelCheckpoint):
        return not callback._every_n_train_steps and callback._train_time_interval is None
    return not any(_overrides(callback, Callback, hook) for hook in _AROUND_STEPS)


def _overrides(owner: Any, base: type, hook: str) -> bool:
    return getattr(type(owner), hook) is not getattr(base, hook)
