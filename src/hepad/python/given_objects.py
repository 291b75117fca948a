"""Losses and networks that a user gives as objects, as parts of a config."""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import nn

from hepad.config.held_objects import object_config
from hepad.config.registry import get_class, shipped_targets
from hepad.core.errors import UserError
from hepad.losses import AdversarialLoss, ReconstructionLoss

_NEEDED: Final = {
    "model.loss": ((ReconstructionLoss, AdversarialLoss), "the name of a loss, or a hepad.losses.ReconstructionLoss"),
    "model.network": ((nn.Module,), "the name of a network, or a torch.nn.Module"),
}


def object_configs(objects: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return key → the config that stands for an object (`hepad.config.held_objects`).

    A loss is made again where that gives the same state, a network where it gives weights of the same shapes: these are
    drawn by the run's seed, as those of any network.

    Raises:
        UserError: an object of another kind than its key needs, or a class that cannot be built without arguments.
    """
    return {key: _config(key, value) for key, value in objects.items()}


def _config(key: str, value: Any) -> dict[str, Any]:
    bases, needed = _NEEDED[key]
    if isinstance(value, type) and issubclass(value, bases):
        try:
            value = value()
        except TypeError as error:
            raise UserError(f"{key}: {value.__name__} needs arguments ({error}); give an object of it") from error
    if not isinstance(value, bases):
        raise UserError(f"{key}: {needed} is needed, not {getattr(value, '__name__', type(value).__name__)}")
    shipped = {get_class(target): target for target in shipped_targets() if target.endswith(f".{type(value).__name__}")}
    return object_config(value, key, _same_state if key == "model.loss" else _same_shapes, shipped)


def _same_shapes(made: nn.Module, given: nn.Module) -> bool:
    one, other = made.state_dict(), given.state_dict()
    return one.keys() == other.keys() and all(one[name].shape == other[name].shape for name in one)


def _same_state(made: nn.Module, given: nn.Module) -> bool:
    one, other = made.state_dict(), given.state_dict()
    return _same_shapes(made, given) and all(torch.equal(one[name], other[name]) for name in one)
