"""Settings of the trainer and of checkpoints that leave nothing to score with, or that hepad decides itself."""

import math
from pathlib import Path
from typing import Any, Final

from hepad.config import RunConfig
from hepad.config.keys import check_config
from hepad.core.errors import UserError
from hepad.data import AnomalyDataModule

_WHOLE: Final = ("None", "32", "32-true", "64", "64-true")

SCORE_ALL: Final[dict[str, Any]] = {
    "fast_dev_run": False,
    "limit_test_batches": None,
    "limit_predict_batches": None,
    "overfit_batches": 0.0,
}
"""Arguments of the trainer, whatever a config says: evaluation scores every entry."""


def validate_trainer(cfg: RunConfig) -> None:
    """Raise `UserError` for settings of the trainer with which no run can be finished; the message says what would.

    Checked: each key by itself (`hepad.config.keys`), epochs against each other, and that best.ckpt will be written
    where everything that reads a run looks for it.
    """
    trainer = cfg.trainer
    check_config({"trainer": trainer.plain()})
    if trainer.check_val_every_n_epoch > trainer.max_epochs:
        raise UserError(
            f"trainer.check_val_every_n_epoch={trainer.check_val_every_n_epoch} leaves none of the "
            f"{trainer.max_epochs} epochs validated, and no checkpoint chosen"
        )
    if (trainer.get("min_epochs") or 0) > trainer.max_epochs:
        raise UserError(
            f"trainer.min_epochs={trainer['min_epochs']} is more than trainer.max_epochs={trainer.max_epochs}"
        )
    if (bits := cfg.model.get("bits")) is not None and (precision := str(trainer.get("precision"))) not in _WHOLE:
        raise UserError(
            f"trainer.precision={precision} rounds in its own way, and model.bits={bits} in that of firmware; "
            "trainer.precision=32-true is needed"
        )
    _validate_checkpoint(cfg)


def _validate_checkpoint(cfg: RunConfig) -> None:
    """Of the callbacks a run can do without any but the one that keeps its best weights, once, as best.ckpt."""
    checkpoint = cfg.callbacks.get("checkpoint")
    if not checkpoint:
        raise UserError(
            "callbacks.checkpoint=null would leave no weights to score with; callbacks.checkpoint.monitor=null keeps "
            "those of the last epoch instead of the best"
        )
    if (top_k := checkpoint.get("save_top_k", 1)) != 1:
        raise UserError(
            f"callbacks.checkpoint.save_top_k={top_k}: a run keeps one best.ckpt to score with; 1 is needed"
        )
    if (name := checkpoint.get("filename")) != "best":
        raise UserError(f"callbacks.checkpoint.filename={name}: evaluate, score and resume read 'best'")
    directory = Path(cfg.run_dir) / "checkpoints"
    if (place := checkpoint.get("dirpath")) is not None and Path(place).absolute() != directory.absolute():
        raise UserError(f"callbacks.checkpoint.dirpath={place}: evaluate, score and resume read {directory}")
    if (every := checkpoint.get("every_n_epochs")) and every > cfg.trainer.max_epochs:
        raise UserError(
            f"callbacks.checkpoint.every_n_epochs={every} keeps none of the {cfg.trainer.max_epochs} epochs of "
            "trainer.max_epochs"
        )


def check_batches(cfg: RunConfig, data: AnomalyDataModule) -> None:
    """Raise `UserError` for a part of the batches that is less than one, now that their number is known."""
    counts = {"train": len(data.train_dataloader()), "val": len(data.val_dataloader())}
    for part, n_batches in counts.items():
        key = f"limit_{part}_batches"
        limit = cfg.trainer.get(key)
        if isinstance(limit, float) and limit * n_batches < 1:
            least = math.ceil(1e3 / n_batches) / 1e3
            raise UserError(
                f"trainer.{key}={limit:g} of {n_batches} batches is less than one; {least:g} or more is needed, or an "
                "integer, a number of batches"
            )
    interval = cfg.trainer.get("val_check_interval")
    if interval is not None and (
        interval > counts["train"] if isinstance(interval, int) else interval * counts["train"] < 1
    ):
        raise UserError(
            f"trainer.val_check_interval={interval} of {counts['train']} training batches: from one batch to all of "
            "them must lie between validations; trainer.check_val_every_n_epoch validates less often"
        )
