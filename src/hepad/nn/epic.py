"""The velocity field of sets: equivariant point clouds (EPiC), objects that talk through one vector of the event."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes
from hepad.nn.paths import Path
from hepad.nn.velocity import TIME_FEATURES, Pair, VelocityField, added, conditions, linear, silu


class EpicLayer(nn.Module):
    """One layer: the event's vector g from the mean and the sum of its objects p, then every object from itself and g.

    g ← SiLU(g + W SiLU(V [mean p, Σp / S, g, c])) and p ← SiLU(p + W′ SiLU(V′ [p, g, c])), as Buhmann et al.,
    arXiv:2301.08128; where the widths of p differ W′ alone. Its cost is linear in the number of objects.

    Args:
        width_in: of an object.
        width: of an object afterwards.
        size: of g.
        context_size: of the conditions c.
    """

    def __init__(self, width_in: int, width: int, size: int, context_size: int) -> None:
        super().__init__()
        self.pooled = nn.Linear(2 * width_in, width, bias=False)
        self.event = nn.Linear(size, width, bias=False)
        self.event_context = nn.Linear(context_size, width)
        self.event_out = nn.Linear(width, size)
        self.own = nn.Linear(width_in, width)
        self.shared = nn.Linear(size, width, bias=False)
        self.own_context = nn.Linear(context_size, width, bias=False)
        self.own_out = nn.Linear(width, width)

    def forward(self, objects: Pair, event: Pair, context: Tensor, share: Tensor) -> tuple[Pair, Pair]:
        """Return objects `(B, S, W)` and g `(B, G)`.

        Args:
            objects: `(B, S, W)`, and their directions.
            event: g, and its directions.
            context: `(B, K)` conditions.
            share: `(B, S)`, 1/n for the n objects that are there, else 0.
        """
        pooled = added(linear(self.pooled, _pooled(objects, share)), linear(self.event, event))
        inner = silu((pooled[0] + self.event_context(context), pooled[1]))
        event = silu(added(event, linear(self.event_out, inner)))
        shared, tangents = linear(self.shared, event)
        shared = shared + self.own_context(context)
        spread = shared.unsqueeze(-2), None if tangents is None else tangents.unsqueeze(-2)
        moved = linear(self.own_out, silu(added(linear(self.own, objects), spread)))
        return silu(added(objects, moved) if moved[0].shape == objects[0].shape else moved), event


def _pooled(objects: Pair, share: Tensor) -> Pair:
    """Mean of the objects that are there, and their sum over S: `(B, 2W)`, and the directions."""
    p, tangents = objects
    part = (share > 0).to(p.dtype).mean(dim=-1, keepdim=True)

    def both(values: Tensor) -> Tensor:
        mean = (values * share.unsqueeze(-1)).sum(dim=-2)
        return torch.cat([mean, mean * part], dim=-1)

    return both(p), None if tangents is None else both(tangents)


class SetVelocity(VelocityField):
    """A velocity of each object of a set, the same whatever their order, and 0 for empty slots.

    Conditions of every layer are the time, how full the set is, and the context.

    Args:
        path: the path whose velocity it is.
        n_features: number F of features of an object.
        context_size: number K of observables that it is conditioned on; 0 for none.
        hidden: widths of an object in each EPiC layer.
        size: width of the event's vector g.

    >>> import torch
    >>> from hepad.nn import SetVelocity, StraightPath
    >>> _ = torch.manual_seed(0)
    >>> field = SetVelocity(StraightPath(), 3, hidden=[16, 16])
    >>> y, mask = torch.randn(4, 5, 3), torch.arange(5) < torch.tensor([[5], [2], [1], [0]])
    >>> v, _ = field(y, torch.full((1,), 0.5), mask=mask)
    >>> turned, _ = field(y.flip(1), torch.full((1,), 0.5), mask=mask.flip(1))
    >>> torch.allclose(turned.flip(1), v, atol=1e-6), v[~mask].abs().max().item()
    (True, 0.0)
    """

    def __init__(
        self,
        path: Path,
        n_features: int,
        context_size: int = 0,
        hidden: Sequence[int] = (64, 64, 64),
        size: int = 16,
    ) -> None:
        super().__init__(path)
        check_sizes(hidden=hidden, latent=size)
        if not hidden:
            raise ValueError("hidden=[]; at least one layer is needed")
        n_conditions = TIME_FEATURES + 1 + context_size
        self.first = nn.Linear(n_features, hidden[0])
        self.start = nn.Linear(n_conditions, size)
        widths = [hidden[0], *hidden]
        self.layers = nn.ModuleList(EpicLayer(*sizes, size, n_conditions) for sizes in pairwise(widths))
        self.out = nn.Linear(hidden[-1], n_features)

    def correction(self, pair: Pair, t: Tensor, given: Tensor | None, mask: Tensor | None) -> Pair:
        """Return what the network adds."""
        y = pair[0]
        there = torch.ones_like(y[..., 0]) if mask is None else mask.to(y.dtype)
        share = there / there.sum(dim=1, keepdim=True).clamp(min=1)
        full = there.mean(dim=1, keepdim=True)
        context = conditions(t, full if given is None else torch.cat([full, given], dim=-1), y.dtype)
        objects = silu(linear(self.first, pair))
        event: Pair = self.start(context), None
        for layer in self.layers:
            objects, event = layer(objects, event, context, share)
        return linear(self.out, objects)
