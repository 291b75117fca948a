"""Resolution of floats: the share of weights that a learning rate can move at all."""

from collections.abc import Iterable

import torch
from torch import Tensor


def movable_share(weights: Iterable[Tensor], step: float) -> float:
    """Return the share of `weights` that a step changes: those whose half distance to the next float is below it.

    Args:
        weights: tensors of any shape.
        step: absolute size of the step. Adam's is about its learning rate, whatever the gradient.
    """
    n_movable = n_weights = 0
    for weight in weights:
        magnitude = weight.detach().abs()
        spacing = torch.nextafter(magnitude, torch.full_like(magnitude, torch.inf)) - magnitude
        n_movable += int((spacing / 2 < step).sum())
        n_weights += weight.numel()
    return n_movable / max(n_weights, 1)
