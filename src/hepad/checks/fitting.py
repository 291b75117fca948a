"""Refusals of parts of a run that do not fit each other, of classes or of what their source declares (no torch)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hepad.checks.declared import Declared, exported
from hepad.config import RunConfig
from hepad.config.allow_list import targets
from hepad.core.errors import UserError
from hepad.core.misfits import compares_entries, compares_no_entries, lacks_labels, no_code
from hepad.core.schema import check_structures, plural

_SEARCH: Final = "hepad.inference.LatentSearchInference"
_CODES: Final = ("latent_network", "latent_target", "encode_batch")
"""Methods of `hepad.models.capabilities.Searchable`."""


def check_declared(cfg: RunConfig) -> None:
    """Raise `UserError` for a model, data, loss and inference of hepad's own that do not fit each other.

    It says what `hepad.checks.combinations.validate` and the constructors would say seconds later; what a user's own
    class declares, these find out.

    >>> from hepad.checks.fitting import check_declared
    >>> from hepad.config import RunConfig, compose
    >>> check_declared(RunConfig.of(compose("train", ["model=td_ae", "data=calo", "paths.run=my_run"])))
    Traceback (most recent call last):
    hepad.core.errors.UserError: model TimeDistributedAutoencoder takes sets, not the images of data=calo; choose ...
    """
    try:
        data, model = Declared(cfg.data.target), Declared(cfg.model.target)
        losses = {target: Declared(target) for target in targets(cfg.model.get("loss"))}
    except LookupError:
        return
    check_fits(cfg, model, data, losses)
    if learns_labels(model, cfg.model) and (told := lacks_labels(model.__name__, cfg.data.get("train") or ())):
        raise UserError(told)
    whole = losses.get(str((cfg.model.get("loss") or {}).get("_target_")))
    if whole is not None and model.derives_from("AlternatingModel") and not whole.derives_from("AdversarialLoss"):
        raise UserError(f"{model.__name__}: {compares_entries(whole.__name__)}")
    compares = model.derives_from("ReconstructionModel") or model.derives_from("DoubleAutoencoder")
    if whole is not None and compares and not whole.derives_from("ReconstructionLoss"):
        raise UserError(f"{model.__name__}: {compares_no_entries(whole.__name__)}")
    searched = cfg.inference is not None and cfg.inference.target == _SEARCH
    if searched and not all(map(model.declares, _CODES)):
        raise UserError(no_code(model.__name__))


def learns_labels(model: Declared, settings: Mapping[str, Any]) -> bool:
    """Return what `AnomalyModel.learns_labels` of hepad's own models would, of what their source declares."""
    if model.derives_from("Trees"):
        return str(settings.get("kind", "boosting")) == "boosting"
    return model.derives_from("Classifier")


def check_fits(cfg: RunConfig, model: Any, data: Any, losses: Mapping[str, Any]) -> None:
    """Raise `UserError` where what a model, data and losses declare does not fit together, or the settings do not.

    Args:
        cfg: the run's config.
        model: its class, or what that declares.
        data: the class of its data, likewise.
        losses: `_target_` → class of each of its losses, likewise.
    """
    check_model(model, data)
    check_context(model, cfg.data.get("context") or ())
    check_decorrelation(cfg, model)
    for target, loss in losses.items():
        check_loss(loss, data, _loss_instead(cfg.model["loss"], target))
    if cfg.data.targets is not None and not model.learns_targets:
        raise UserError(f"data.targets={cfg.data.targets}: {model.__name__} learns no targets; leave data.targets out")
    _check_monitors(cfg, model)
    if model.manual_optimization:
        _check_manual_optimization(cfg, model)


def check_model(model: Any, data: Any) -> None:
    """Raise `UserError` where a model does not take the entries of the data; say which data it takes."""
    check_structures(f"model {model.__name__}", getattr(model, "structures", None), getattr(model, "kinds", None))
    if data.structure not in model.structures:
        raise UserError(
            f"model {model.__name__} takes {plural(model.structures)}, not the {plural({data.structure})} of "
            f"data={data.kind}; choose {_fitting(model.structures)}another model"
        )


def check_context(model: Any, context: Sequence[str]) -> None:
    """Raise `UserError` for a context of a model that takes none; say which models do."""
    if not context or model.context_use != "refuse":
        return
    taking = [found.__name__ for found in exported("hepad.models") if getattr(found, "context_use", "") == "condition"]
    instead = f"choose one that does, such as {', '.join(sorted(taking))}" if taking else "none of hepad's own does"
    raise UserError(
        f"model {model.__name__} takes no context; leave data.context=[{','.join(context)}] out, or {instead}"
    )


def check_decorrelation(cfg: RunConfig, model: Any) -> None:
    """Raise `UserError` for a penalty on a model that is not trained by steps it can be added to."""
    if cfg.decorrelate is None:
        return
    if cfg.decorrelate.weight and not model.takes_penalty:
        raise UserError(
            f"decorrelate.weight={cfg.decorrelate.weight:g}: no penalty can be added to what {model.__name__} makes "
            "small; decorrelate.weight=0 decorrelate.planing=true weighs its training entries instead"
        )


def check_loss(loss: Any, data: Any, instead: str) -> None:
    """Raise `UserError` where a loss is not defined for the entries of the data; say what to choose `instead`."""
    check_structures(f"loss {loss.__name__}", loss.structures or (), getattr(loss, "kinds", None))
    if loss.structures is not None and data.structure not in loss.structures:
        raise UserError(
            f"loss {loss.__name__} is defined for {plural(loss.structures)}, not for the {plural({data.structure})} of "
            f"data={data.kind}; {instead}"
        )


def _fitting(structures: frozenset[str]) -> str:
    """The data of hepad whose entries have one of some structures, to choose from."""
    kinds = (found.kind for found in exported("hepad.data") if getattr(found, "structure", None) in structures)
    return "".join(f"data={kind} or " for kind in sorted(kinds))


def _check_monitors(cfg: RunConfig, model: Any) -> None:
    for name, callback in cfg.callbacks.items():
        monitor = callback.get("monitor")
        if monitor is not None and monitor not in model.monitors:
            raise UserError(
                f"callbacks.{name}.monitor={monitor} is not logged by {model.__name__}; allowed: "
                f"{', '.join(model.monitors)}"
            )


def _check_manual_optimization(cfg: RunConfig, model: Any) -> None:
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


def _loss_instead(loss: Mapping[str, Any], target: str) -> str:
    """Return what to write for a loss `target` that does not fit, on its own or as a term of a sum."""
    for name, term in (loss.get("terms") or {}).items():
        if term["loss"].get("_target_") == target:
            return f"loss@model.loss.terms.{name}.loss=huber, or another that compares element by element, fits"
    return "loss=huber, or another that compares element by element, fits"
