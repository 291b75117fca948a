"""Modules whose tables stay in float64, whatever the precision of the model around them."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class ExactBuffers(nn.Module):
    """A module that moves to other devices and keeps the types of its buffers, and of its parts'.

    Thresholds of trees, and slopes of steep and flat pieces, have no use for half precision.

    >>> import torch
    >>> from hepad.nn.exact import ExactBuffers
    >>> module = ExactBuffers()
    >>> module.register_buffer("table", torch.tensor([0.1], dtype=torch.float64))
    >>> module.to(torch.bfloat16).table
    tensor([0.1000], dtype=torch.float64)
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        exact = {name: part.detach() for name, part in self.named_buffers()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, part in exact.items():
            where, _, own = name.rpartition(".")
            owner = self.get_submodule(where)
            owner._buffers[own] = part.to(getattr(owner, own).device)
        return self
