"""The density of a set of objects, one after the other, each given a DeepSets embedding of those before it."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.dense import mlp
from hepad.nn.flows import ConditionalFlow, log_normal

PACKED: Final = ("cpu",)
"""Devices where only objects that are there are computed; a GPU would have to be waited for to say which these are."""


class SetFlow(nn.Module):
    """ln p(y_1 … y_n given n) = Σ_i ln p(y_i; mean of φ(y_j) over j < i, i, n), with one flow for all objects.

    It is the density of the objects in the order in which they come, as by falling pT, not of the set: every event has
    one such order. The embedding is part of what an object is conditioned on, so that it has nothing to gain by
    throwing away what it is given.

    Args:
        kind: of the flow, as of `ConditionalFlow`.
        n_features: number F of features of an object.
        transforms: how many transformations.
        hidden: widths of the hidden layers behind each, and of φ.
        bins: bins of a spline.

    >>> import torch
    >>> from hepad.nn import SetFlow
    >>> _ = torch.manual_seed(0)
    >>> flow = SetFlow("maf", 2, transforms=2, hidden=[16])
    >>> y, mask = torch.randn(5, 3, 2), torch.tensor([True, True, False]).expand(5, 3)
    >>> latent, log_prob = flow(y, mask)
    >>> back = flow.inverse(latent, mask)
    >>> log_prob.shape, torch.allclose(back[:, :2], y[:, :2], atol=1e-5)
    (torch.Size([5]), True)
    """

    def __init__(
        self, kind: str, n_features: int, transforms: int = 3, hidden: Sequence[int] = (64, 64), bins: int = 8
    ) -> None:
        super().__init__()
        width = hidden[-1] if hidden else 1
        self.phi = mlp([n_features, *hidden], "relu")
        self.flow = ConditionalFlow(kind, n_features, width + 2, transforms, hidden, bins)

    def forward(self, y: Tensor, mask: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """Return the latent points `(B, S, F)`, 0 for empty slots, and ln p `(B,)` given how many slots are filled.

        With `inverse` `y` are latent points, and what is returned is where they come from, and ln N of them.

        Args:
            y: `(B, S, F)` objects.
            mask: `(B, S)` true for those that are there.
        """
        if inverse:
            return self._from_latent(y, mask), self._over_objects(log_normal(y), mask)
        filled = torch.where(mask.unsqueeze(-1), y, torch.zeros_like(y))
        given = self._given(filled, mask)
        if y.device.type not in PACKED or torch.compiler.is_exporting() or not mask.any():
            # zuko takes no objects at all for an error; an exported model has no sizes that depend on its input.
            latent, log_prob = self.flow(filled, given)
            return torch.where(mask.unsqueeze(-1), latent, torch.zeros_like(latent)), self._over_objects(log_prob, mask)
        points, each = self.flow(filled[mask], given[mask])
        latent = points.new_zeros(y.shape)
        log_probs = each.new_zeros(mask.shape)
        latent[mask], log_probs[mask] = points, each
        return latent, log_probs.sum(dim=1)

    def inverse(self, latent: Tensor, mask: Tensor) -> Tensor:
        """Return the objects `(B, S, F)` that latent points are of."""
        return self._from_latent(latent, mask)

    def _from_latent(self, latent: Tensor, mask: Tensor) -> Tensor:
        made = torch.zeros_like(latent)
        for slot in range(latent.shape[1]):
            given = self._given(made, mask)[:, slot]
            objects = self.flow.inverse(latent[:, slot], given)
            # A tensor of its own in each step.
            made = torch.cat([made[:, :slot], objects.unsqueeze(1), made[:, slot + 1 :]], dim=1)
            made = torch.where(mask.unsqueeze(-1), made, torch.zeros_like(made))
        return made

    def _given(self, filled: Tensor, mask: Tensor) -> Tensor:
        """Conditions of each object `(B, S, E + 2)`: the mean of φ before it, its place, how many there are."""
        n_slots = mask.shape[1]
        there = mask.to(filled.dtype)
        # As a product: sums along the way are not deterministic on a GPU.
        before = torch.ones(n_slots, n_slots, dtype=filled.dtype, device=filled.device).tril(-1)
        number = there @ before.T
        embedded = before @ (self.phi(filled) * there.unsqueeze(-1)) / number.clamp(min=1).unsqueeze(-1)
        place = (number / n_slots).unsqueeze(-1)
        total = (there.mean(dim=1, keepdim=True)).expand_as(there).unsqueeze(-1)
        return torch.cat([embedded, place, total], dim=-1)

    @staticmethod
    def _over_objects(values: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, values, torch.zeros_like(values)).sum(dim=1)
