"""The objective of flow matching: errors of a velocity field at times and noises, drawn or fixed."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn

from hepad.core.gathering import draw_for_batch
from hepad.nn.epic import SetVelocity
from hepad.nn.flows import log_normal
from hepad.nn.ode import integrate
from hepad.nn.paths import Path
from hepad.nn.velocity import VectorVelocity, VelocityField

AT_ONCE: Final = 4096
"""Entries that are computed together where there are many."""

_GOLDEN: Final = 0.5 * (sqrt(5) - 1)


class FixedNoise(nn.Module):
    """Noises ε that are the same for all entries, in pairs of ε and −ε: what is linear in ε cancels in a mean.

    They are kept with the weights, so that a score of a checkpoint is the same wherever it is computed.

    Args:
        entry_shape: shape of an entry.
        n: how many, an even number.
    """

    noise: Tensor

    def __init__(self, entry_shape: Sequence[int], n: int = 256) -> None:
        super().__init__()
        half = torch.randn(n // 2, *entry_shape, generator=torch.Generator().manual_seed(0), dtype=torch.float32)
        self.register_buffer("noise", torch.stack([half, -half], dim=1).flatten(0, 1))

    def by_place(self, n: int) -> tuple[Tensor, Tensor]:
        """Return times `(n,)`, as evenly spread as golden shares are, and noises `(n, …)` of n places in a batch.

        Of several processes each has every so many places of the batch of all.
        """
        shared = distributed.is_initialized()
        first, step = (distributed.get_rank(), distributed.get_world_size()) if shared else (0, 1)
        place = first + step * torch.arange(n, device=self.noise.device)
        return (0.5 + place.double() * _GOLDEN) % 1.0, self.noise[place % len(self.noise)]

    def spread(self, n: int) -> list[tuple[Tensor, Tensor]]:
        """Return n pairs of a time `(1,)` and a noise `(1, …)`, the times in the middle of n equal parts of [0, 1]."""
        times = (torch.arange(n, device=self.noise.device, dtype=torch.float64) + 0.5) / n
        return [(times[i : i + 1], self.noise[i : i + 1]) for i in range(n)]


def velocity_field(
    path: Path, shape: Sequence[int], context_size: int, hidden: Sequence[int] | None, latent: int
) -> VectorVelocity | SetVelocity:
    """Return the velocity field of vectors `(F,)` or of sets `(S, F)`, with its own widths where none are given."""
    sizes: dict[str, Any] = {} if hidden is None else {"hidden": hidden}
    if len(shape) == 2:
        return SetVelocity(path, shape[-1], context_size, **sizes, size=latent)
    return VectorVelocity(path, shape[-1], context_size, **sizes)


def spread_times(n: int, device: torch.device) -> Tensor:
    """Return times `(n,)` of equal distance on the ring [0, 1), the first of them drawn."""
    place = torch.arange(n, device=device, dtype=torch.float64) / n
    return (place + torch.rand(1, device=device, dtype=torch.float64)) % 1.0


def drawn_pairs(z: Tensor) -> tuple[Tensor, Tensor]:
    """Return times `(B,)`, spread evenly over the batch of all processes, and noises as `z`, drawn for it."""
    t = draw_for_batch(lambda shape: spread_times(shape[0], z.device), (len(z),), z.device)
    return t, draw_for_batch(lambda shape: torch.randn(shape, device=z.device, dtype=z.dtype), z.shape, z.device)


def velocity_errors(
    field: nn.Module, path: Path, z: Tensor, noise: Tensor, t: Tensor, mask: Tensor | None, given: Tensor | None
) -> Tensor:
    """Return mean square errors of a velocity `(B,)` over the numbers of an entry that are there.

    Args:
        field: a velocity field, as `VelocityField`.
        path: the path from entries to noise.
        z: `(B, …, F)` entries.
        noise: as `z`, or `(1, …, F)`.
        t: `(B,)` times, or `(1,)`.
        mask: of sets, which objects are there.
        given: `(B, K)` context.
    """
    at = t.view(-1, *[1] * (z.ndim - 1))
    noise = noise.to(z.dtype)
    v = field(path.point(z, noise, at).to(z.dtype), t, given, mask)[0]
    square: Tensor = (v - path.velocity(z, noise, at).to(v.dtype)).square().mean(dim=-1)
    if mask is None:
        return square
    return torch.where(mask, square, torch.zeros_like(square)).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def errors_of_pairs(
    field: nn.Module,
    path: Path,
    z: Tensor,
    pairs: Sequence[tuple[Tensor, Tensor]],
    mask: Tensor | None = None,
    given: Tensor | None = None,
) -> Tensor:
    """Return the errors `(K, B)` of all entries at K pairs of a time and a noise, many entries part by part."""
    found = []
    for rows in parts(z):
        there, context = rows_of(mask, rows), rows_of(given, rows)
        found.append(
            torch.stack([velocity_errors(field, path, z[rows], noise, t, there, context) for t, noise in pairs])
        )
    return torch.cat(found, dim=1)


def in_order(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return objects `(B, S, F)` by falling first feature, equal ones by the next, and empty slots last; and the mask.

    As events by falling pT are already, and whatever order they come in.

    >>> import torch
    >>> from hepad.nn.matching import in_order
    >>> x, mask = torch.tensor([[[1.0, 5.0], [0.0, 0.0], [2.0, 3.0], [2.0, 4.0]]]), torch.ones(1, 4, dtype=torch.bool)
    >>> in_order(x, mask & (x[..., 0] > 0))[0].tolist()
    [[[2.0, 4.0], [2.0, 3.0], [1.0, 5.0], [0.0, 0.0]]]
    """
    order = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    keys = [*x.detach().unbind(dim=-1)[::-1], mask.to(torch.uint8)]
    for key in keys:
        # From the least to the first: what is equal keeps the order that it had.
        place = torch.take_along_dim(key, order, dim=1).argsort(dim=1, descending=True, stable=True)
        order = torch.take_along_dim(order, place, dim=1)
    return torch.take_along_dim(x, order.unsqueeze(-1), dim=1), torch.take_along_dim(mask, order, dim=1)


def transported(
    field: VelocityField,
    y: Tensor,
    start: float,
    end: float,
    steps: int,
    rule: str,
    mask: Tensor | None = None,
    given: Tensor | None = None,
    exact: bool = False,
) -> tuple[Tensor, Tensor]:
    """Return points moved along a velocity field from one time to another, and ∫ tr ∂v/∂y dt where it is `exact`.

    Points are kept in float32 at least; the field computes in the type of `y`. Many are computed one part after the
    other, in memory that does not depend on their number.

    Args:
        field: the field.
        y: `(B, …, F)` points at `start`.
        start: a time in [0, 1].
        end: another, which may be the earlier one.
        steps: of the rule.
        rule: one of `hepad.nn.ode.RULES`.
        mask: of sets, which objects are there; the others stay at 0.
        given: `(B, K)` context.
        exact: compute the trace; 0 is returned otherwise.
    """
    wide = torch.promote_types(y.dtype, torch.float32)
    moved, traces = [], []
    for rows in parts(y):
        there, context = rows_of(mask, rows), rows_of(given, rows)

        def slope(
            state: tuple[Tensor, ...], t: float, there: Tensor | None = there, context: Tensor | None = context
        ) -> tuple[Tensor, ...]:
            at = torch.full((1,), t, device=y.device, dtype=torch.float64)
            point = state[0].to(y.dtype)
            if exact:
                return field.with_divergence(point, at, context, there)
            return field(point, at, context, there)[0], torch.zeros_like(state[1])

        part = y[rows].to(wide)
        if there is not None:
            part = torch.where(there.unsqueeze(-1), part, torch.zeros_like(part))
        found, trace = integrate(slope, (part, part.new_zeros(part.shape[0])), start, end, steps, rule)
        moved.append(found)
        traces.append(trace)
    return torch.cat(moved), torch.cat(traces)


def followed_to_noise(
    field: VelocityField, z: Tensor, steps: int, exact: bool, mask: Tensor | None = None, given: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return where entries `(B, …, F)` end, and where it is `exact` ln p = ln N(y(1)) + ∫ tr ∂v/∂y dt `(B,)`, float64.

    By Runge and Kutta's rule, whose error a density would show.
    """
    latent, trace = transported(field, z, 0.0, 1.0, steps, "runge_kutta", mask, given, exact)
    ends = log_normal(latent)
    if mask is not None:
        ends = torch.where(mask, ends, torch.zeros_like(ends)).sum(dim=1)
    return latent, ends.double() + trace.double()


def parts(values: Tensor) -> list[slice]:
    """Return slices of the rows of `values`, `AT_ONCE` each; one of none for none, and of all where it is exported."""
    if torch.compiler.is_exporting():
        return [slice(None)]
    return [slice(start, start + AT_ONCE) for start in range(0, max(len(values), 1), AT_ONCE)]


def rows_of(values: Tensor | None, rows: slice) -> Tensor | None:
    """Return rows of what is there."""
    return None if values is None else values[rows]
