"""Refuse combinations that cannot work, of structures, losses, callbacks and numbers, before anything is read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig

import hepad.data
import hepad.models
from hepad.checks.trainer_settings import validate_trainer
from hepad.config import RunConfig
from hepad.config.keys.check import check_sections
from hepad.config.registry import check_targets, get_class, targets
from hepad.core.errors import UserError
from hepad.core.names import check_name
from hepad.core.schema import STRUCTURES, check_structures, plural
from hepad.data import AnomalyDataModule
from hepad.logging.secret_words import refuse_secrets
from hepad.losses import AdversarialLoss, ReconstructionLoss
from hepad.models import AnomalyModel
from hepad.models.labels import EXAMPLE


def check_data(data: type[AnomalyDataModule]) -> None:
    """Raise `UserError` for a user's own data that do not say what their entries are."""
    if (found := getattr(data, "structure", None)) not in STRUCTURES:
        told = "does not declare" if found is None else f"declares {found!r} as"
        raise UserError(
            f"data {data.__name__} {told} the structure of its entries; one of {', '.join(STRUCTURES)} is needed, "
            'such as structure = "vector"'
        )


def check_model(model: Any, data: type[AnomalyDataModule]) -> None:
    """Raise `UserError` where a model does not take the entries of the data; say which data it takes."""
    check_structures(f"model {model.__name__}", getattr(model, "structures", None), getattr(model, "kinds", None))
    if data.structure not in model.structures:
        raise UserError(
            f"model {model.__name__} takes {plural(model.structures)}, not the {plural({data.structure})} of "
            f"data={data.kind}; choose {_fitting(model.structures)}another model"
        )


def check_context(model: type[AnomalyModel], context: Sequence[str]) -> None:
    """Raise `UserError` for a context of a model that takes none; say which models do."""
    if not context or model.context_use != "refuse":
        return
    taking = [name for name, found in vars(hepad.models).items() if getattr(found, "context_use", "") == "condition"]
    instead = f"choose one that does, such as {', '.join(sorted(taking))}" if taking else "none of hepad's own does"
    raise UserError(
        f"model {model.__name__} takes no context; leave data.context=[{','.join(context)}] out, or {instead}"
    )


def check_labels(model: type[AnomalyModel], settings: Mapping[str, Any], roles: Sequence[Mapping[str, Any]]) -> None:
    """Raise `UserError` for a model that tells labels apart, where roles do not have both."""
    if not model.learns_labels(settings):
        return
    labels = {role.get("label") for role in roles}
    if labels != {0, 1}:
        given = ", ".join(sorted(str(label) for label in labels if label is not None)) or "none"
        raise UserError(
            f"model {model.__name__} tells label 1 from label 0, and the labels in data.train are: {given}; give roles "
            f"of both, such as {EXAMPLE}"
        )


def check_decorrelation(cfg: RunConfig, model: type[AnomalyModel]) -> None:
    """Raise `UserError` for a penalty on a model that is not trained by steps it can be added to."""
    if cfg.decorrelate is None:
        return
    if cfg.decorrelate.weight and not model.takes_penalty:
        raise UserError(
            f"decorrelate.weight={cfg.decorrelate.weight:g}: no penalty can be added to what {model.__name__} makes "
            "small; decorrelate.weight=0 decorrelate.planing=true weighs its training entries instead"
        )


def check_loss(loss: Any, data: type[AnomalyDataModule], instead: str) -> None:
    """Raise `UserError` where a loss is not defined for the entries of the data; say what to choose `instead`."""
    check_structures(f"loss {loss.__name__}", loss.structures or (), getattr(loss, "kinds", None))
    if loss.structures is not None and data.structure not in loss.structures:
        raise UserError(
            f"loss {loss.__name__} is defined for {plural(loss.structures)}, not for the {plural({data.structure})} of "
            f"data={data.kind}; {instead}"
        )


def _fitting(structures: frozenset[str]) -> str:
    """The data of hepad whose entries have one of some structures, to choose from."""
    classes = (getattr(hepad.data, name) for name in hepad.data.__all__)
    kinds = sorted(
        found.kind
        for found in classes
        if isinstance(found, type) and issubclass(found, AnomalyDataModule) and found is not AnomalyDataModule
        if found.structure in structures
    )
    return "".join(f"data={kind} or " for kind in kinds)


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
    check_model(model, data)
    check_context(model, cfg.data.get("context") or ())
    check_labels(model, cfg.model, cfg.data.get("train") or ())
    check_decorrelation(cfg, model)
    # A loss may hold others.
    for target in targets(cfg.model.get("loss")):
        loss: Any = get_class(target)
        _check_base(target, loss, (ReconstructionLoss, AdversarialLoss))
        check_loss(loss, data, _loss_instead(cfg.model["loss"], target))
    if cfg.data.targets is not None and not model.learns_targets:
        raise UserError(f"data.targets={cfg.data.targets}: {model.__name__} learns no targets; leave data.targets out")
    _validate_monitors(cfg, model)
    if model.manual_optimization:
        _validate_manual_optimization(cfg, model)
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


def _validate_monitors(cfg: RunConfig, model: Any) -> None:
    for name, callback in cfg.callbacks.items():
        monitor = callback.get("monitor")
        if monitor is not None and monitor not in model.monitors:
            raise UserError(
                f"callbacks.{name}.monitor={monitor} is not logged by {model.__name__}; allowed: "
                f"{', '.join(model.monitors)}"
            )


def _validate_manual_optimization(cfg: RunConfig, model: Any) -> None:
    """Lightning neither clips nor accumulates in manual optimisation, and counts the steps of every optimiser."""
    trainer, name = cfg.trainer, model.__name__
    if (clip := trainer.get("gradient_clip_val")) is not None:
        raise UserError(
            f"trainer.gradient_clip_val={clip} does not work for {name}, which has two optimisers; use "
            f"model.gradient_clip={clip}"
        )
    if (batches := trainer.get("accumulate_grad_batches", 1)) != 1:
        raise UserError(
            f"trainer.accumulate_grad_batches={batches} does not work for {name}, which has "
            "two optimisers; use a larger data.batch_size"
        )
    if (steps := trainer.get("max_steps", -1)) != -1:
        raise UserError(
            f"trainer.max_steps={steps} would count the steps of both optimisers of {name}; use "
            "trainer.max_epochs, and trainer.limit_train_batches for a part of an epoch"
        )


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


def _loss_instead(loss: Mapping[str, Any], target: str) -> str:
    """Return what to write for a loss `target` that does not fit, on its own or as a term of a sum."""
    for name, term in (loss.get("terms") or {}).items():
        if term["loss"].get("_target_") == target:
            return f"loss@model.loss.terms.{name}.loss=huber, or another that compares element by element, fits"
    return "loss=huber, or another that compares element by element, fits"
