"""A model from a checkpoint that somebody else may have made: nothing large is built before everything fits."""

import inspect
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

from hepad.config.keys import check_config
from hepad.config.keys.check import check_section
from hepad.core.errors import UserError
from hepad.models import AnomalyModel
from hepad.rundir.parsing import check_limits, fields, first_line, listing, number, shown

_SLACK: Final = 1 << 20
_REGISTERED: Final = 4
"""Times that a weight may be given to a module while a model is built; spectral normalisation does so twice."""
_LARGEST_ENTRY: Final = 1 << 26
_VALUES: Final = 10_000
_OLD_NAMES: Final = frozenset({"hparams", "module_arguments"})
"""Names of hyperparameters in checkpoints of early versions of Lightning."""

_HYPERPARAMETERS: Final = fields(
    {"entry_shape": listing(number(1, _LARGEST_ENTRY, whole=True), most=4)}, need=["entry_shape"]
)


def load_model(model_class: type[AnomalyModel], checkpoint: Path) -> AnomalyModel:
    """Return the model of a checkpoint whose bytes are known to be whole (`hepad.rundir.checkpoint_file`).

    The model is built without memory first (PyTorch's device `meta`), with no more weights than the checkpoint holds,
    and compared with the checkpoint tensor by tensor.

    Raises:
        UserError: hyperparameters of other types, or that build another model than the weights are of.
    """
    content = read_checkpoint(checkpoint)
    weights = state_dict_of(content, checkpoint)
    if old := sorted(_OLD_NAMES & content.keys()):
        # Lightning would add what stands there to the hyperparameters that are checked here.
        raise UserError(f"cannot load {checkpoint}: it holds {old[0]}, which no run of hepad's writes")
    hyperparameters = _checked_hyperparameters(content.get("hyper_parameters"), model_class, checkpoint)
    try:
        with _without_memory(_REGISTERED * sum(weight.numel() for weight in weights.values()) + _SLACK):
            empty = model_class(**_accepted(model_class, hyperparameters))
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from error
    # A constructor may raise anything for a value that nobody thought of.
    except Exception as error:
        raise UserError(f"{checkpoint}: its settings build no {model_class.__name__} ({first_line(error)})") from error
    check_weights(empty, weights, checkpoint)
    try:
        return model_class.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(f"cannot load {checkpoint}: {first_line(error)}") from error


def read_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """Return what a checkpoint holds, read by torch's restricted reader; `UserError` where that refuses it."""
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    # Torch's reader raises what its C++ and Python parts do on foreign bytes.
    except Exception as error:
        raise UserError(f"cannot load {checkpoint}: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"cannot load {checkpoint}: it holds a {type(content).__name__}, no training")
    return content


def state_dict_of(content: Mapping[str, Any], checkpoint: Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint's content; `UserError` where they are not plain tensors with names."""
    weights = content.get("state_dict")
    if not isinstance(weights, dict) or not weights:
        raise UserError(f"cannot load {checkpoint}: it holds no weights")
    for name, weight in weights.items():
        if not isinstance(name, str) or not isinstance(weight, Tensor):
            raise UserError(f"cannot load {checkpoint}: {shown(name)} is no tensor")
        if weight.layout != torch.strided or weight.numel() * weight.element_size() > _stored(weight):
            raise UserError(f"cannot load {checkpoint}: {shown(name)} is larger than what is stored of it")
    return weights


def check_weights(model: nn.Module, weights: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Raise `UserError` where the weights are not those of `model`: other names, shapes or kinds of numbers."""
    wanted = model.state_dict()
    for names, what in ((wanted.keys() - weights.keys(), "lacks"), (weights.keys() - wanted.keys(), "also holds")):
        if names:
            raise UserError(
                f"{checkpoint} {what} {shown(min(names))}: it is not of {type(model).__name__} as the settings say"
            )
    for name, weight in weights.items():
        here = wanted[name]
        if weight.shape != here.shape or weight.is_floating_point() != here.is_floating_point() or weight.is_complex():
            raise UserError(
                f"{checkpoint}: {shown(name)} has the shape {tuple(weight.shape)} ({weight.dtype}), "
                f"{type(model).__name__} with the settings there has {tuple(here.shape)} ({here.dtype})"
            )


def _checked_hyperparameters(hyperparameters: Any, model_class: type[AnomalyModel], checkpoint: Path) -> dict[str, Any]:
    where = f"{checkpoint}: hyper_parameters"
    if not isinstance(hyperparameters, dict):
        raise UserError(f"{where} are missing; the model cannot be built without")
    check_limits(hyperparameters, where, _VALUES)
    _HYPERPARAMETERS(hyperparameters, where)
    if math.prod(hyperparameters["entry_shape"]) > _LARGEST_ENTRY:
        raise UserError(f"{where}: entry_shape={hyperparameters['entry_shape']} is larger than any entry")
    settings = {key: value for key, value in hyperparameters.items() if key != "entry_shape"}
    try:
        # A user's own model may call anything `hidden`.
        check_config({"model": {**settings, "_target_": f"{model_class.__module__}.{model_class.__qualname__}"}})
        if isinstance(settings.get("loss"), dict):
            check_section("loss", settings["loss"])
    except UserError as error:
        raise UserError(f"{checkpoint}: {error}") from error
    return hyperparameters


def _accepted(model_class: type[AnomalyModel], hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters that the class takes, which are those that Lightning gives it."""
    parameters = inspect.signature(model_class.__init__).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(hyperparameters)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in hyperparameters.items() if name in names}


def _stored(weight: Tensor) -> int:
    return weight.untyped_storage().nbytes()


@contextmanager
def _without_memory(most: int) -> Iterator[None]:
    """Build modules on the device `meta`; raise `UserError` where they have more than `most` numbers in all."""
    left = most

    def count(module: nn.Module, name: str, value: Tensor | None) -> None:
        nonlocal left
        left -= 0 if value is None else value.numel()
        if left < 0:
            raise UserError("its settings build a model of more weights than it holds")

    hooks = [register_module_parameter_registration_hook(count), register_module_buffer_registration_hook(count)]
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Initializing zero-element tensors is a no-op")
            yield
    finally:
        for hook in hooks:
            hook.remove()
