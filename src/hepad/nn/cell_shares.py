"""Shares of cells in the sum of their entry, as roots and logarithms of order one."""

import torch
from torch import Tensor, nn


class CellShares(nn.Module):
    """A map of volumes x to √(s / s₀), s = x / Σx the shares of cells, and back to shares.

    What a sampling calorimeter sees in a cell fluctuates with a variance that is proportional to its mean, so that
    roots of cells fluctuate alike in the core and far from it. s₀ is the median share of the cells that are not empty.
    What an entry sums to is told apart from it (`TotalGivenContext`).

    >>> import torch
    >>> from hepad.nn.cell_shares import CellShares
    >>> x = torch.rand(8, 1, 2, 2, 2)
    >>> shares = CellShares().fit(x)
    >>> torch.allclose(shares.inverse(shares(x)), x / x.sum(dim=(1, 2, 3, 4), keepdim=True), atol=1e-6)
    True
    """

    small: Tensor
    large: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("small", torch.ones(()))
        self.register_buffer("large", torch.ones(()))

    @torch.no_grad()
    def fit(self, x: Tensor) -> "CellShares":
        """Take s₀ of training entries `(N, C, D, H, W)` from 0."""
        found = shares(x)
        # Of entries spread over the sample, for all cells of large ones are too many to sort.
        found = found[:: max(1, x.numel() // 4_000_000)]
        filled = found[found > 0].double()
        if len(filled):
            self.small.copy_(filled.sort().values[len(filled) // 2])
            self.large.copy_(filled.square().sum() / filled.sum())
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return √(s / s₀), of the shape of `x`."""
        found = shares(x) / self.small
        # A root has no slope at 0, where most cells are: what explains a score by gradients would be of no number.
        rising = found.clamp(min=torch.finfo(found.dtype).tiny).sqrt()
        return torch.where(found > 0, rising, torch.zeros_like(found))

    def logarithms(self, roots: Tensor) -> Tensor:
        """Return ln(1 + s / s₀) of roots: logarithms of cells below s₀ are small."""
        return torch.log1p(roots.square())

    def of_core(self, shares: Tensor) -> Tensor:
        """Return shares in units of what the cell holds, on average, that an energy deposit falls into: Σ s² / Σ s."""
        return shares / self.large

    def inverse(self, roots: Tensor) -> Tensor:
        """Return shares that sum to 1 of roots from 0; where all are 0 they are 0."""
        return shares(roots.square())


def totals(x: Tensor) -> Tensor:
    """Return the sums `(B,)` of volumes; cells below 0, which are noise, count as empty."""
    return x.clamp(min=0.0).flatten(1).sum(dim=1)


def shares(x: Tensor) -> Tensor:
    """Return the shares of cells in the sum of their entry, of the shape of `x`; of an empty one 0."""
    total = totals(x).clamp(min=torch.finfo(x.dtype).tiny).view(-1, *[1] * (x.ndim - 1))
    return x.clamp(min=0.0) / total
