"""The base of losses that compare sets of objects, whatever their order: pairs, weights by pT, and four-momenta."""

from abc import abstractmethod
from typing import ClassVar, Final

import torch
from torch import Tensor
from torch.nn import functional as F

from hepad.core.schema import PT_COLUMNS, Structure
from hepad.losses.base import ReconstructionLoss
from hepad.losses.elementwise import difference

FAR: Final = 1e30
"""A distance beyond all others, and minus the logarithm of no weight; finite, so that 0 times it is 0."""

_JET_COLUMNS: Final = 3
_LARGEST_LOG_RATIO: Final = 3.0
_LARGEST_ETA: Final = 5.0
_SMALLEST_SHARE: Final = 1e-6


class PointCloudLoss(ReconstructionLoss):
    """Distance between two sets of objects that does not see their order; slots where `mask` is false are no objects.

    Where objects are constituents of a jet (`pt`), their first three columns are pT, Δη and Δφ. The units of these,
    x = center + scale · z for normalised z, are taken by `fit_units` and kept in buffers. `momentum` adds, with the
    weight it is, ‖P̂ − P‖² of the four-momenta of the two jets (E, px, py, pz; massless constituents, Δφ and Δη counted
    from the jet), in units of the real jet's Σ pT; where it holds the distances of constituents cannot: the jet mass.

    Args:
        pt: what the first column is, `log` (ln pT) or `share` (of the jet's pT); None for objects of any kind, all of
            one weight.
        momentum: weight of the term of four-momenta.

    Raises:
        ValueError: another word for `pt`, or a weight below 0.

    >>> import torch
    >>> from hepad.losses import PointCloudLoss
    >>> class Centroids(PointCloudLoss):
    ...     def distance(self, x_hat, x, mask):
    ...         return (x_hat.sum(dim=1) - x.sum(dim=1)).square().sum(dim=1) / mask.sum(dim=1)
    >>> Centroids()(torch.ones(1, 4, 2), torch.zeros(1, 4, 2), torch.tensor([[True, True, False, False]]))
    tensor([4.])
    """

    structures: ClassVar[frozenset[Structure] | None] = frozenset({"set"})

    center: Tensor
    scale: Tensor

    def __init__(self, pt: str | None = None, momentum: float = 0.0) -> None:
        super().__init__()
        if pt is not None and pt not in PT_COLUMNS:
            raise ValueError(f"pt={pt}; allowed: null, {', '.join(PT_COLUMNS)}")
        if not momentum >= 0:
            raise ValueError(f"momentum={momentum}; 0 or a positive weight is needed")
        self.pt, self.momentum = pt, momentum
        self.register_buffer("center", torch.zeros(_JET_COLUMNS))
        self.register_buffer("scale", torch.ones(_JET_COLUMNS))

    def fit_units(self, center: Tensor, scale: Tensor) -> None:
        """Take center and scale of the columns of a jet's constituents."""
        if self.pt is None:
            return
        if center.ndim > 1 or center.numel() < _JET_COLUMNS:
            raise ValueError(f"loss {type(self).__name__} with pt={self.pt} needs sets of at least three columns")
        self.center.copy_(center[:_JET_COLUMNS])
        self.scale.copy_(scale[:_JET_COLUMNS])

    @abstractmethod
    def distance(self, x_hat: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Return the distances `(B,)` of two sets `(B, S, F)` of which the slots in `mask` `(B, S)` are objects."""

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` values for `x_hat` and `x` `(B, S, F)`, of the same number of objects; 0 for sets of none."""
        terms = list(self.terms(x_hat, x, mask).values())
        total: Tensor = sum(terms[1:], start=terms[0])
        return total

    def terms(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """Return what the loss is the sum of, `(B,)` each: `distance`, and `momentum` where there is such a term."""
        dtype = torch.promote_types(torch.promote_types(x.dtype, x_hat.dtype), torch.float32)
        x_hat, x = x_hat.to(dtype), x.to(dtype)
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        x_hat, x = (torch.where(mask.unsqueeze(-1), each, torch.zeros_like(each)) for each in (x_hat, x))
        found = {"distance": self.distance(x_hat, x, mask)}
        if self.pt is not None and self.momentum:
            apart = self.four_momentum(x_hat, x, mask) - self.four_momentum(x, x, mask)
            found["momentum"] = self.momentum * apart.square().sum(dim=1)
        filled = mask.any(dim=1)
        return {name: torch.where(filled, values, torch.zeros_like(values)) for name, values in found.items()}

    def raw(self, z: Tensor) -> Tensor:
        """Return pT (or its logarithm), Δη and Δφ `(B, S, 3)` of normalised constituents."""
        return self.center.to(z) + self.scale.to(z) * z[..., :_JET_COLUMNS]

    def log_weights(self, z: Tensor, mask: Tensor) -> Tensor:
        """Return the logarithms `(B, S)` of shares of pT, or of equal ones, that sum to 1 over the objects of a set."""
        logits = torch.zeros_like(z[..., 0]) if self.pt is None else self._log_pt(z)
        return logits.masked_fill(~mask, -FAR).log_softmax(dim=1).clamp(min=-FAR)

    def four_momentum(self, z: Tensor, of: Tensor, mask: Tensor) -> Tensor:
        """Return (E, px, py, pz) `(B, 4)` of jets `z`, in units of Σ pT of the jets `of`."""
        log_pt, total = self._log_pt(z).masked_fill(~mask, -FAR), self._log_pt(of).masked_fill(~mask, -FAR)
        # The sum is that of the jet as it is, and takes no part in any gradient.
        share = (log_pt - total.detach().logsumexp(dim=1, keepdim=True)).clamp(max=_LARGEST_LOG_RATIO).exp()
        eta, phi = F.hardtanh(self.raw(z)[..., 1], -_LARGEST_ETA, _LARGEST_ETA), self.raw(z)[..., 2]
        parts = (eta.cosh(), phi.cos(), phi.sin(), eta.sinh())
        return torch.stack([(share * part).sum(dim=1) for part in parts], dim=1)

    def _log_pt(self, z: Tensor) -> Tensor:
        first = self.raw(z)[..., 0]
        return first if self.pt == "log" else first.clamp(min=_SMALLEST_SHARE).log()


def squared_distances(x_hat: Tensor, x: Tensor) -> Tensor:
    """Return ‖x_i − x̂_j‖² `(B, S, S)` for all pairs of objects of two sets `(B, S, F)`, i along the rows.

    >>> import torch
    >>> from hepad.losses.point_clouds import squared_distances
    >>> squared_distances(torch.tensor([[[0.0], [2.0]]]), torch.tensor([[[0.0], [1.0]]]))
    tensor([[[0., 4.],
             [1., 1.]]])
    """
    return difference(x_hat.unsqueeze(1), x.unsqueeze(2), power=2).square().sum(dim=-1)
