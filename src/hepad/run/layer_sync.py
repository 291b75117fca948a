"""Layers of a model that several processes train together, as Lightning treats them."""

from collections.abc import Mapping
from typing import Final

from lightning.pytorch.plugins import LayerSync
from torch import nn

from hepad.nn.shared_batch_norm import SHARED_BATCH_NORM
from hepad.nn.shared_draws import SHARED_DROPOUT

_SHARED: Final = {**SHARED_BATCH_NORM, **SHARED_DROPOUT}


class SharedLayersSync(LayerSync):
    """Batch normalisation and dropout over the whole batch, so that training on several devices is training on one."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Share; weights and names stay."""
        _change_classes(model, _SHARED)
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Undo it."""
        _change_classes(model, {shared: plain for plain, shared in _SHARED.items()})
        return model


def _change_classes(model: nn.Module, classes: Mapping[type[nn.Module], type[nn.Module]]) -> None:
    for module in model.modules():
        # The two classes of a pair hold the same parameters and buffers and differ in `forward` alone.
        module.__class__ = classes.get(type(module), type(module))
