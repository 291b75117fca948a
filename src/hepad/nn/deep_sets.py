"""DeepSets, where the order of the inputs cannot matter, and the students of CICADA (CMS DP-2023/086)."""

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes, make_activation, mlp

POOLS: Final = ("max", "mean")


class DeepSets(nn.Module):
    """f(X) = ρ(pool over x in X of φ(x)), permutation-invariant by construction (Zaheer et al., arXiv:1703.06114).

    With φ: F → 16 → 8 and ρ: 8 → 4 → 1 this is the student of the AD4HEP workshop: about 460 parameters for 17
    features. Empty slots take no part in the pool; the pool of no jets at all is 0.

    Args:
        n_features: size F of one object.
        phi: widths of the layers applied to each object, each followed by the activation.
        rho: widths of the hidden layers applied to the pooled vector.
        pool: `max` or `mean` over the real objects.
        activation: name of the activation function.

    Raises:
        ValueError: an unknown pool, or no layer in φ.

    >>> import torch
    >>> from hepad.nn import DeepSets
    >>> _ = torch.manual_seed(0)
    >>> network = DeepSets(17, phi=[16, 8], rho=[4])
    >>> events = torch.randn(2, 8, 17)
    >>> network(events).shape, torch.allclose(network(events), network(events.flip(1)))
    (torch.Size([2]), True)
    >>> sum(weights.numel() for weights in network.parameters())
    465
    """

    def __init__(
        self, n_features: int, phi: Sequence[int], rho: Sequence[int], pool: str = "max", activation: str = "relu"
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"pool {pool!r}; allowed: {', '.join(POOLS)}")
        if not phi:
            raise ValueError("phi=[]; at least one layer is needed")
        check_sizes(phi=phi, rho=rho)
        self.pool = pool
        self.phi = nn.Sequential(*mlp([n_features, *phi], activation), make_activation(activation))
        self.rho = mlp([phi[-1], *rho, 1], activation)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for objects `x` `(B, S, F)`, of which those count where `mask` `(B, S)` is true."""
        objects = self.phi(x)
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        output: Tensor = self.rho(self._pooled(objects, mask))
        return output.squeeze(-1)

    def _pooled(self, objects: Tensor, mask: Tensor) -> Tensor:
        real = mask.unsqueeze(-1)
        if self.pool == "mean":
            return torch.where(real, objects, torch.zeros_like(objects)).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        highest = objects.masked_fill(~real, -torch.inf).amax(dim=1)
        return torch.where(real.any(dim=1), highest, torch.zeros_like(highest))


class DenseStudent(nn.Module):
    """A perceptron on the flattened entry; with `hidden=[16]`, CICADA's first student, 252 → 16 → 1.

    CICADA's last ReLU is left out: the output is in standard units, which may be negative.

    Args:
        entry_shape: shape of one entry.
        hidden: widths of the hidden layers.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
    """

    def __init__(self, entry_shape: Sequence[int], hidden: Sequence[int], dropout: float, activation: str) -> None:
        super().__init__()
        self.layers = mlp([math.prod(entry_shape), *hidden, 1], activation, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for `x` `(B, *entry_shape)`; empty slots are zeros already."""
        output: Tensor = self.layers(x.flatten(1))
        return output.squeeze(-1)


class ConvStudent(nn.Module):
    """A 2 × 2 convolution of stride 2, then a perceptron; CICADA's second student has 4 filters and 16 units.

    Args:
        entry_shape: `(C, H, W)`; an odd last row or column is left out.
        filters: number of 2 × 2 filters, without bias.
        hidden: widths of the hidden layers.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
    """

    def __init__(
        self, entry_shape: Sequence[int], filters: int, hidden: Sequence[int], dropout: float, activation: str
    ) -> None:
        super().__init__()
        check_sizes(filters=filters, hidden=hidden)
        channels, height, width = entry_shape
        self.conv = nn.Conv2d(channels, filters, kernel_size=2, stride=2, bias=False)
        self.activation = make_activation(activation)
        self.layers = mlp([filters * (height // 2) * (width // 2), *hidden, 1], activation, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for images `x` `(B, C, H, W)`; images have no slots to mask."""
        output: Tensor = self.layers(self.activation(self.conv(x)).flatten(1))
        return output.squeeze(-1)
