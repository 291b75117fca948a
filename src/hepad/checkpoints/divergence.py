"""Trainings that diverged: found in weights and losses before anything is scored with them."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from hepad.config import RunConfig
from hepad.core.errors import JobError


def nonfinite_weights(state: Mapping[str, Any], names: frozenset[str] | None = None) -> tuple[int, int]:
    """Return how many numbers of a state dict are NaN or infinite, and how many there are.

    Args:
        state: name → tensor; what is no floating point number is left out.
        names: the tensors to look at, such as those of parameters; None for all.
    """
    tensors = [
        value
        for name, value in state.items()
        if isinstance(value, Tensor) and value.is_floating_point() and (names is None or name in names)
    ]
    bad = sum(int((~torch.isfinite(tensor)).sum()) for tensor in tensors)
    return bad, sum(tensor.numel() for tensor in tensors)


def lost_weights(state: Mapping[str, Any]) -> str | None:
    """Return why training cannot go on from the weights of a checkpoint; None where none of them is NaN.

    Infinite numbers are left alone: a buffer may hold one for "no bound".
    """
    n_nan = sum(int(torch.isnan(value).sum()) for value in state.values() if isinstance(value, Tensor))
    return (
        f"the training diverged, {n_nan} of its weights are NaN; a smaller optimizer.lr would help" if n_nan else None
    )


def best_checkpoint(trainer: L.Trainer) -> ModelCheckpoint:
    """Return the callback that keeps the best epoch."""
    checkpoint = trainer.checkpoint_callback
    assert isinstance(checkpoint, ModelCheckpoint)
    return checkpoint


def check_best(model: torch.nn.Module, checkpoint: ModelCheckpoint, cfg: RunConfig) -> None:
    """Look at the weights of the best epoch before they are called good.

    Args:
        model: the model that was trained, for the names of its parameters.
        checkpoint: the callback that kept best.ckpt.
        cfg: the config, for the advice.

    Raises:
        JobError: no epoch was kept, or the kept one holds NaN or infinite weights, or its loss is.
    """
    path = Path(checkpoint.best_model_path)
    if not checkpoint.best_model_path or not path.is_file():
        raise JobError(
            "training ended before an epoch was validated, so that there are no weights to score with; allow more: "
            f"trainer.max_time={cfg.trainer.get('max_time')}, max_steps={cfg.trainer.get('max_steps', -1)}, "
            f"max_epochs={cfg.trainer.max_epochs}, check_val_every_n_epoch={cfg.trainer.check_val_every_n_epoch}"
        )
    content = torch.load(path, map_location="cpu", weights_only=True)
    bad, total = nonfinite_weights(content["state_dict"], frozenset(name for name, _ in model.named_parameters()))
    value = None if checkpoint.best_model_score is None else float(checkpoint.best_model_score)
    # Lightning takes NaN for the worst value there is.
    lost = value is not None and not math.isfinite(value)
    if bad or lost:
        found = f"{bad} of {total} weights are NaN or infinite" if bad else f"{checkpoint.monitor} is {value:g}"
        raise JobError(f"the training diverged: {found} in the best of its epochs; nothing was scored. {advice(cfg)}")


def advice(cfg: RunConfig) -> str:
    """Return what to do about a training that diverged."""
    lr = float(cfg.optimizer["lr"])
    clip = "" if cfg.trainer.get("gradient_clip_val") else ", or set trainer.gradient_clip_val=1"
    return f"Train again in another directory with a smaller optimizer.lr than {lr:g}{clip}"


def divergence_note(columns: Mapping[str, list[float]]) -> list[str]:
    """Return a note where a loss of the last epoch is NaN or infinite, though an earlier epoch was kept."""
    for name in ("train/loss", "val/loss"):
        values = columns.get(name) or [0.0]
        # An epoch without validation has no value, written as NaN.
        if not math.isfinite(values[-1]) and (name == "train/loss" or math.isinf(values[-1])):
            return [
                f"The training diverged: {name} of epoch {len(values)}, the last, is {values[-1]:g}. The scores are "
                "those of the best epoch before that; a smaller optimizer.lr would train on."
            ]
    return []
