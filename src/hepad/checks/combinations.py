"""Refuse combinations that cannot work, of structures, losses, callbacks and numbers, before anything is read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig

from hepad.checks.fitting import check_fits
from hepad.checks.trainer_settings import validate_trainer
from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets, get_class, targets
from hepad.core.errors import UserError
from hepad.core.misfits import lacks_labels
from hepad.core.names import check_name
from hepad.core.schema import STRUCTURES
from hepad.data import AnomalyDataModule
from hepad.logging.secret_words import refuse_secrets
from hepad.losses import AdversarialLoss, ReconstructionLoss
from hepad.models import AnomalyModel


def check_data(data: type[AnomalyDataModule]) -> None:
    """Raise `UserError` for a user's own data that do not say what their entries are."""
    if (found := getattr(data, "structure", None)) not in STRUCTURES:
        told = "does not declare" if found is None else f"declares {found!r} as"
        raise UserError(
            f"data {data.__name__} {told} the structure of its entries; one of {', '.join(STRUCTURES)} is needed, "
            'such as structure = "vector"'
        )


def check_labels(model: type[AnomalyModel], settings: Mapping[str, Any], roles: Sequence[Mapping[str, Any]]) -> None:
    """Raise `UserError` for a model that tells labels apart, where roles do not have both."""
    if model.learns_labels(settings) and (told := lacks_labels(model.__name__, roles)):
        raise UserError(told)


_NAMES: Final = ("sweep.name", "logger.wandb.name", "logger.wandb.group")


def validate(cfg: RunConfig | DictConfig) -> None:
    """Raise `UserError` for combinations that cannot work; the message says what would.

    Checked: no secret in it, what names a sweep or a W&B run, every `_target_` against the allow-list, the loss and the
    model against the structure of the entries, monitored names against what the model logs, the numbers that a library
    would only refuse with a traceback.

    >>> from hepad.config import compose
    >>> from hepad.run import validate
    >>> validate(compose("train", ["model=conv_ae", "data=calo", "loss=ssim", "paths.run=my_run"]))
    >>> validate(compose("train", ["model=td_ae", "data=calo", "paths.run=my_run"]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    hepad.core.errors.UserError: model TimeDistributedAutoencoder takes sets, not the images of data=calo; choose ...
    """
    cfg = RunConfig.of(cfg)
    plain = cfg.plain()
    refuse_secrets(cfg)
    validate_names(cfg)
    check_targets(plain)
    check_sections(plain)
    data: Any = get_class(cfg.data.target)
    _check_base(cfg.data.target, data, (AnomalyDataModule,))
    check_data(data)
    model: Any = get_class(cfg.model.target)
    _check_base(cfg.model.target, model, (AnomalyModel,))
    # A loss may hold others.
    losses: dict[str, Any] = {target: get_class(target) for target in targets(cfg.model.get("loss"))}
    for target, loss in losses.items():
        _check_base(target, loss, (ReconstructionLoss, AdversarialLoss))
    check_fits(cfg, model, data, losses)
    check_labels(model, cfg.model, cfg.data.get("train") or ())
    _validate_numbers(cfg)
    validate_trainer(cfg)


def _check_base(target: str, found: Any, bases: tuple[type, ...]) -> None:
    """Raise `UserError` for a class of the user's own that is not what stands in its place."""
    if not (isinstance(found, type) and issubclass(found, bases)):
        names = " or ".join(f"{base.__module__.rsplit('.', 1)[0]}.{base.__name__}" for base in bases)
        raise UserError(f"_target_ {target!r} is no subclass of {names} (CONTRIBUTING.md, a model of your own)")


def validate_names(cfg: RunConfig) -> None:
    """Raise `UserError` for a name of a sweep, or of a W&B run or group, that could not name a directory."""
    for key in _NAMES:
        if (name := cfg.value(key)) is not None:
            check_name(f"{key}={name}", str(name))


def validate_run_dir(run_dir: Path) -> None:
    """Raise `UserError` for a directory that cannot name a run, or that already holds one."""
    check_name(f"run name {run_dir.name!r}", run_dir.name)
    if (run_dir / "config.yaml").exists():
        raise UserError(f"{run_dir} already holds a run; choose another hydra.run.dir, or remove it first")


def _validate_numbers(cfg: RunConfig) -> None:
    for key, value in _numbers(cfg.plain()):
        if math.isnan(value):
            raise UserError(f"{key}={value}; a number is needed")
    if (chains := cfg.model.get("chains")) is not None and (size := cfg.data.batch_size) > chains:
        raise UserError(
            f"data.batch_size={size} is above model.chains={chains}, and each entry of a batch is set against one of a "
            f"chain; choose model.chains={size} or more"
        )
    if (epochs := cfg.trainer["max_epochs"]) is None or epochs < 1:
        raise UserError(f"trainer.max_epochs={epochs}; at least 1 epoch is needed")
    if not 0 <= cfg.seed < 2**31:
        raise UserError(f"seed={cfg.seed}; a number from 0 to 2147483647 is needed")
    for key in ("accumulate_grad_batches", "check_val_every_n_epoch", "limit_train_batches"):
        if (amount := cfg.trainer.get(key)) is not None and amount <= 0:
            raise UserError(f"trainer.{key}={amount}; a positive number is needed")
    if (steps := cfg.trainer.get("max_steps", -1)) < 1 and steps != -1:
        raise UserError(f"trainer.max_steps={steps}; at least 1 is needed, or -1 for no limit")
    if (stopping := cfg.callbacks.get("early_stopping")) and stopping.get("patience", 0) < 0:
        raise UserError(f"callbacks.early_stopping.patience={stopping['patience']}; 0 or more epochs are needed")
    if any(not 0 < fpr <= 1 for fpr in cfg.evaluation.fprs):
        raise UserError(
            f"evaluation.fprs={list(cfg.evaluation.fprs)}; false-positive rates above 0 and at most 1 are needed"
        )
    if (lr := cfg.optimizer["lr"]) <= 0:
        raise UserError(f"optimizer.lr={lr}; a positive learning rate is needed")


def _numbers(node: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Yield every float of a config with its key."""
    if isinstance(node, dict | list):
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _numbers(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, float):
        yield key, node
