"""Weighted sums of losses."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from hepad.losses.base import ReconstructionLoss


class WeightedSum(ReconstructionLoss):
    """Σ weight · loss, entry by entry.

    Losses have scales of their own (MSE of heavy tails exceeds 1 by far, SSIM stays below 2), so equal weights do not
    mean equal say.

    Args:
        terms: name → `{"weight": w, "loss": a ReconstructionLoss}`; a term of weight 0 is left out.

    Raises:
        ValueError: a weight that is negative or not finite, or no term left.

    >>> import torch
    >>> from hepad.losses import MAE, MSE, WeightedSum
    >>> loss = WeightedSum({"mse": {"weight": 1.0, "loss": MSE()}, "mae": {"weight": 0.5, "loss": MAE()}})
    >>> loss(torch.tensor([[2.0], [4.0]]), torch.zeros(2, 1))
    tensor([ 5., 18.])
    """

    def __init__(self, terms: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        for name, term in terms.items():
            if not 0 <= float(term["weight"]) < math.inf:
                raise ValueError(f"terms.{name}.weight={term['weight']}; a number from 0 is needed")
        kept = {name: term for name, term in terms.items() if term["weight"] > 0}
        if not kept:
            raise ValueError(f"no term of positive weight among {', '.join(terms) or 'none'}")
        self.weights = {name: float(term["weight"]) for name, term in kept.items()}
        self.losses = nn.ModuleDict({name: term["loss"] for name, term in kept.items()})

    def fit(self, z: Tensor) -> None:
        """Let every term take what it must know of the background."""
        for loss in self._losses().values():
            loss.fit(z)

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the `(B,)` sums."""
        values = [self.weights[name] * loss(x_hat, x, mask) for name, loss in self._losses().items()]
        total: Tensor = sum(values[1:], start=values[0])
        return total

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor | None:
        """Return the weighted sum of what the terms say; None where one of them says nothing."""
        total = torch.zeros_like(x)
        for name, loss in self._losses().items():
            values = loss.elementwise(x_hat, x)
            if values is None:
                return None
            total = total + self.weights[name] * values
        return total

    def _losses(self) -> dict[str, ReconstructionLoss]:
        return {name: loss for name, loss in self.losses.items() if isinstance(loss, ReconstructionLoss)}
