"""The context of a conditional density, in standard units."""

import math

import torch
from torch import Tensor

from hepad.nn.exact import ExactBuffers


class ContextScale(ExactBuffers):
    """Standard units of observables that a model is conditioned on.

    Their range among training entries is kept with them, for whoever has a checkpoint alone: remarks on entries outside
    are those of a run (`hepad.run.context_range`).

    Args:
        size: number K of observables; 0 for none.

    >>> import torch
    >>> from hepad.nn.context import ContextScale
    >>> scale = ContextScale(1).fit(torch.tensor([[1.0], [3.0]]))
    >>> scale(torch.tensor([[4.0]])), scale.low, scale.high
    (tensor([[2.]], dtype=torch.float64), tensor([1.], dtype=torch.float64), tensor([3.], dtype=torch.float64))
    """

    center: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        for name, value in (("center", 0.0), ("scale", 1.0), ("low", -math.inf), ("high", math.inf)):
            self.register_buffer(name, torch.full((size,), value, dtype=torch.float64))

    @torch.no_grad()
    def fit(self, context: Tensor | None) -> "ContextScale":
        """Take mean, spread and range of the context `(N, K)` of training entries."""
        if self.size:
            exact = self.checked(context).double()
            spread = exact.std(dim=0, correction=0)
            self.center.copy_(exact.mean(dim=0))
            self.scale.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))
            self.low.copy_(exact.amin(dim=0))
            self.high.copy_(exact.amax(dim=0))
        return self

    def checked(self, context: Tensor | None) -> Tensor:
        """Return the context; raise `ValueError` where it is not of K observables."""
        if context is None or context.ndim != 2 or context.shape[1] != self.size:
            carried = 0 if context is None else context.shape[-1]
            raise ValueError(f"the model is conditioned on {self.size} observables, and the entries carry {carried}")
        return context

    def forward(self, context: Tensor | None) -> Tensor | None:
        """Return the context `(B, K)` in standard units; None for a model without any."""
        return (self.checked(context) - self.center) / self.scale if self.size else None
