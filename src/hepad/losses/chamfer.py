"""Chamfer distance of two sets of objects."""

import torch
from torch import Tensor

from hepad.losses.point_clouds import FAR, PointCloudLoss, squared_distances


class Chamfer(PointCloudLoss):
    """Σ_i w_i min_j ‖x_i − x̂_j‖² + Σ_j ŵ_j min_i ‖x_i − x̂_j‖²: each object to the nearest of the other set.

    Distances are over all columns, in normalised units. Weights sum to 1 over the objects of a set: equal ones, or with
    `pt_weighted` shares of pT. Two objects may have the same nearest one, so that the distance says little of how many
    there are where (Fan, Su, Guibas, arXiv:1612.00603; of jets Tsan
    et al., arXiv:2111.12849).

    Args:
        pt: what the first column is (`PointCloudLoss`); None for objects of any kind.
        pt_weighted: weigh constituents by their share of pT; of no meaning without `pt`.
        momentum: weight of the term of four-momenta (`PointCloudLoss`), where `pt` says that there are any.

    >>> import torch
    >>> from hepad.losses import Chamfer
    >>> x = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]]])
    >>> Chamfer()(x.flip(1), x), Chamfer()(torch.zeros_like(x), x)
    (tensor([0.]), tensor([3.3333]))
    """

    def __init__(self, pt: str | None = None, pt_weighted: bool = False, momentum: float = 0.0) -> None:
        super().__init__(pt, momentum)
        self.pt_weighted = pt_weighted

    def distance(self, x_hat: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """Return the Chamfer distances `(B,)`."""
        pairs = mask.unsqueeze(2) & mask.unsqueeze(1)
        found = torch.where(pairs, squared_distances(x_hat, x), FAR)
        total = torch.zeros_like(x[:, 0, 0])
        for objects, axis in ((x, 2), (x_hat, 1)):
            nearest = found.amin(dim=axis).masked_fill(~mask, 0.0)
            total = total + (self._weights(objects, mask) * nearest).sum(dim=1)
        return total

    def _weights(self, objects: Tensor, mask: Tensor) -> Tensor:
        if self.pt_weighted and self.pt is not None:
            return self.log_weights(objects, mask).exp()
        return mask / mask.sum(dim=1, keepdim=True).clamp(min=1)
