"""Velocity fields: networks of an entry and a time, with the exact trace of their Jacobian."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hepad.nn.dense import check_sizes
from hepad.nn.paths import Path

_OCTAVES: Final = 4

TIME_FEATURES: Final = 1 + 2 * _OCTAVES
"""Numbers that a time is given to a network as."""

Pair = tuple[Tensor, Tensor | None]
"""A value `(B, …)`, and how it changes in each of D directions, `(D, B, …)`; None where nobody asks."""


def time_features(t: Tensor) -> Tensor:
    """Return t, and sin and cos of π t, 2π t, 4π t, 8π t: `(B, 9)` of times `(B,)`.

    >>> import torch
    >>> from hepad.nn.velocity import time_features
    >>> time_features(torch.tensor([0.0])).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]]
    """
    turns = torch.stack([math.pi * 2**k * t for k in range(_OCTAVES)], dim=-1)
    return torch.cat([t.unsqueeze(-1), turns.sin(), turns.cos()], dim=-1)


def linear(layer: nn.Linear, pair: Pair) -> Pair:
    """Return W h + b, and W of each direction."""
    h, tangents = pair
    return layer(h), None if tangents is None else F.linear(tangents, layer.weight)


def silu(pair: Pair) -> Pair:
    """Return h σ(h), and the directions by its slope."""
    h, tangents = pair
    if tangents is None:
        return F.silu(h), None
    share = h.sigmoid()
    return h * share, tangents * (share * (1 + h * (1 - share)))


def added(one: Pair, other: Pair) -> Pair:
    """Return the sum; a value without directions does not depend on them."""
    h = one[0] + other[0]
    if one[1] is None or other[1] is None:
        return h, one[1] if other[1] is None else other[1]
    return h, one[1] + other[1]


class VelocityField(nn.Module):
    """A velocity v(y, t, c) = k(t) y + network(y, t, c); k y is that of entries which are N(0, 1) already.

    So a network has only correlations, and what coordinates left of a shape, to learn (`Path.normal_slope`).

    Args:
        path: the path whose velocity it is.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @abstractmethod
    def correction(self, pair: Pair, t: Tensor, given: Tensor | None, mask: Tensor | None) -> Pair:
        """Return what the network adds, and how it changes in each direction."""

    def forward(
        self,
        y: Tensor,
        t: Tensor,
        given: Tensor | None = None,
        mask: Tensor | None = None,
        tangents: Tensor | None = None,
    ) -> Pair:
        """Return v `(B, …, F)`, and J times each direction, `(D, B, …, F)`, where directions are asked for.

        Directions are carried forward layer by layer, which costs as much as one more evaluation for each.

        Args:
            y: `(B, F)` vectors, or `(B, S, F)` sets.
            t: `(B,)` times in [0, 1], or `(1,)` for all.
            given: `(B, K)` context.
            mask: `(B, S)` of sets, true for objects that are there; v of the others is 0.
            tangents: `(D, B, …, F)` directions.
        """
        slope = self.path.normal_slope(t).to(y.dtype).view(-1, *[1] * (y.ndim - 1))
        own = slope * y, None if tangents is None else slope * tangents
        v, moved = added(own, self.correction((y, tangents), t, given, mask))
        if mask is None:
            return v, moved
        real = mask.unsqueeze(-1)
        return v * real, None if moved is None else moved * real

    def with_divergence(
        self, y: Tensor, t: Tensor, given: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return v, and the trace of ∂v/∂y `(B,)`: exact, by one direction for each number of an entry."""
        n = y[0].numel()
        unit = torch.eye(n, dtype=y.dtype, device=y.device).view(n, 1, *y.shape[1:])
        v, moved = self(y, t, given, mask, unit.expand(n, *y.shape))
        return v, moved.flatten(2).diagonal(dim1=0, dim2=2).sum(dim=-1)


class VectorVelocity(VelocityField):
    """A perceptron with SiLU, smooth as a density has to be, that adds time and context in every layer.

    Layers of the same width as the one before are residual.

    Args:
        path: the path whose velocity it is.
        n_features: number F of columns.
        context_size: number K of observables that it is conditioned on; 0 for none.
        hidden: widths of the hidden layers.

    >>> import torch
    >>> from hepad.nn import StraightPath, VectorVelocity
    >>> _ = torch.manual_seed(0)
    >>> field = VectorVelocity(StraightPath(), 3, hidden=[16, 16])
    >>> y, t = torch.randn(4, 3), torch.full((1,), 0.5)
    >>> v, divergence = field.with_divergence(y, t)
    >>> jacobian = torch.func.vmap(torch.func.jacrev(lambda row: field(row[None], t)[0][0]))(y)
    >>> torch.allclose(divergence, jacobian.diagonal(dim1=1, dim2=2).sum(-1), atol=1e-6)
    True
    """

    def __init__(
        self, path: Path, n_features: int, context_size: int = 0, hidden: Sequence[int] = (128, 128, 128)
    ) -> None:
        super().__init__(path)
        check_sizes(hidden=hidden)
        if not hidden:
            raise ValueError("hidden=[]; at least one layer is needed")
        self.layers = nn.ModuleList(nn.Linear(*sizes) for sizes in pairwise([n_features, *hidden]))
        size = TIME_FEATURES + context_size
        self.conditions = nn.ModuleList(nn.Linear(size, width, bias=False) for width in hidden)
        self.out = nn.Linear(hidden[-1], n_features)

    def correction(self, pair: Pair, t: Tensor, given: Tensor | None, mask: Tensor | None) -> Pair:
        """Return what the network adds."""
        condition = conditions(t, given, pair[0].dtype)
        for layer, of_condition in zip(self.layers, self.conditions, strict=True):
            h, tangents = linear(layer, pair)  # type: ignore[arg-type]
            moved = silu((h + of_condition(condition), tangents))
            pair = added(pair, moved) if moved[0].shape == pair[0].shape else moved
        return linear(self.out, pair)


def conditions(t: Tensor, given: Tensor | None, dtype: torch.dtype) -> Tensor:
    """Return times and context as `(B, 9 + K)`; without a context times `(1,)` are one row for all."""
    embedded = time_features(t).to(dtype)
    return embedded if given is None else torch.cat([embedded.expand(given.shape[0], -1), given], dim=-1)
