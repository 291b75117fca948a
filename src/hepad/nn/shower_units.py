"""Showers as networks see them: roots of the shares of cells, and what is known of them beside."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hepad.core.float32 import at_least_float32
from hepad.nn.cell_shares import CellShares, totals
from hepad.nn.total_given_context import TotalGivenContext


class Showers(NamedTuple):
    """Showers as networks see them.

    Attributes:
        roots: `(B, C, D, H, W)` √(s / s₀) of the shares s of cells.
        known: `(B, K + 1)` the context in standard units, and where the shower's total lies among those of its context.
    """

    roots: Tensor
    known: Tensor


class ShowerUnits(nn.Module):
    """A map of showers in raw units to what networks see, and back.

    Args:
        context_size: number K of observables that showers are conditioned on.
    """

    def __init__(self, context_size: int) -> None:
        super().__init__()
        self.total = TotalGivenContext(context_size)
        self.cells = CellShares()

    def fit(self, x: Tensor, context: Tensor | None, weight: Tensor | None) -> None:
        """Take what there is to know of training showers `(N, C, D, H, W)`."""
        self.total.fit(totals(x), context, weight)
        self.cells.fit(x)

    def forward(self, x: Tensor, context: Tensor | None) -> Showers:
        """Return showers as networks see them."""
        exact = at_least_float32(x)
        return Showers(self.cells(exact).to(x.dtype), self.known(self.total(totals(exact), context), context, x.dtype))

    def known(self, r: Tensor, context: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Return what networks are told of showers: their context, and r, where their totals lie."""
        standard = self.total.standard(context)
        columns = r.unsqueeze(1) if standard is None else torch.cat([standard, r.unsqueeze(1)], dim=1)
        return columns.clamp(-5, 5).to(dtype)

    def raw(self, roots: Tensor, r: Tensor, context: Tensor | None) -> Tensor:
        """Return cells in raw units of roots, their totals being those of `r` `(B,)`."""
        return self._scaled(roots, self.total.inverse(r, context))

    def rescaled(self, roots: Tensor, x: Tensor) -> Tensor:
        """Return cells in raw units of roots, their totals being those of the showers `x`."""
        return self._scaled(roots, totals(at_least_float32(x)))

    def _scaled(self, roots: Tensor, total: Tensor) -> Tensor:
        return scaled(self.cells.inverse(at_least_float32(roots)), total)


def scaled(shares: Tensor, total: Tensor) -> Tensor:
    """Return cells `(B, …)` of shares that sum to 1 and totals `(B,)`."""
    return shares * total.to(shares.dtype).view(-1, *[1] * (shares.ndim - 1))
