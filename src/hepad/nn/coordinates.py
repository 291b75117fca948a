"""Coordinates that a density is written in: entries to numbers of order one, with the exact Jacobian, and back."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from hepad.nn.column_values import MOST_ATOMS, column_values, evenly_smeared
from hepad.nn.exact import ExactBuffers
from hepad.nn.rank_gaussian import N_KNOTS, RankTable, rank_table

COORDINATES: Final = ("standard", "logit", "rank_gaussian")

EDGE: Final = 1e-6
"""Share of an interval that is cut off at either end."""

_PERIOD: Final = 2 * math.pi


class Coordinates(ExactBuffers):
    """A map x → z of each column by itself, with ln |dz/dx|; a density of z is so one of x.

    | kind | z | ln dz/dx |
    |---|---|---|
    | `standard` | (x − μ) / σ | −ln σ |
    | `logit` | (ln u/(1 − u) − μ) / σ, u = (x − min)/(max − min) | −ln u(1 − u) − ln(max − min) − ln σ |
    | `rank_gaussian` | Φ⁻¹(share of training entries below x), linear between knots and beyond them | ln of the slope |
    | a periodic column | Φ⁻¹(u), u = (x − cut)/2π on the ring | −ln 2π + z²/2 + ln √2π |

    For `logit` and on a ring u is clipped to [ε, 1 − ε], ε = 1e-6: an entry outside of the training range has the
    density of its edge, and is told by `outside`. The other two reach over all numbers.

    Columns of whole numbers, or of any grid, have no density, nor have values that many entries share (−1 where a
    tagger says nothing). With `smear` these are spread evenly over the step of the grid, or the gap to the next value;
    whoever trains draws `u`, and `round_off` is the way back. A constant is smeared always.

    Everything is kept and computed in float64, whatever the precision of the model.

    Args:
        kind: one of the above.
        n_features: number F of columns.
        periodic: columns, from 0, that are angles in radians.
        smear: smear what has no density.

    Raises:
        ValueError: an unknown kind, or no such column.

    >>> import torch
    >>> from hepad.nn import Coordinates
    >>> x = torch.tensor([[1.0], [3.0], [2.0], [4.0]])
    >>> z, log_slope = Coordinates("standard", 1, smear=False).fit(x)(x)
    >>> z.flatten().tolist()[:2], log_slope.exp()[0].item()  # 1 / σ
    ([-1.3416407864998738, 0.4472135954999579], 0.8944271909999159)
    """

    center: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    step: Tensor
    origin: Tensor
    constant: Tensor
    on_grid: Tensor
    atoms: Tensor
    widths: Tensor
    on_ring: Tensor

    def __init__(self, kind: str, n_features: int, periodic: Sequence[int] = (), smear: bool = True) -> None:
        super().__init__()
        if kind not in COORDINATES:
            raise ValueError(f"coordinates {kind!r}; allowed: {', '.join(COORDINATES)}")
        if wrong := [column for column in periodic if not 0 <= column < n_features]:
            raise ValueError(f"periodic={list(periodic)}: column {wrong[0]} is not among the {n_features}, from 0")
        self.kind, self.smear = kind, smear
        self.has_ring = len(periodic) > 0
        # Until `fit` knows better.
        self.has_width = True
        for name, value in (("center", 0.0), ("scale", 1.0), ("low", 0.0), ("high", 1.0), ("step", 0.0)):
            self.register_buffer(name, torch.full((n_features,), value, dtype=torch.float64))
        self.register_buffer("origin", torch.zeros(n_features, dtype=torch.float64))
        for name in ("constant", "on_grid"):
            self.register_buffer(name, torch.zeros(n_features, dtype=torch.bool))
        self.register_buffer("atoms", torch.full((n_features, MOST_ATOMS), math.inf, dtype=torch.float64))
        self.register_buffer("widths", torch.zeros(n_features, MOST_ATOMS, dtype=torch.float64))
        self.register_buffer("on_ring", torch.tensor([i in periodic for i in range(n_features)]))
        self.table = RankTable(n_features) if kind == "rank_gaussian" else None

    @torch.no_grad()
    def fit(self, x: Tensor, weight: Tensor | None = None) -> "Coordinates":
        """Take from training entries `(N, F)`, counted by `weight` `(N,)`, all that the map needs.

        Raises:
            ValueError: no entries, or a mean or spread that is not finite.
        """
        entries = x.detach().cpu().double().numpy()
        if not len(entries):
            raise ValueError("there is no training entry to take the coordinates of")
        if not np.isfinite(entries).all():
            raise ValueError("a training entry holds NaN or inf; a density cannot be fitted to it")
        counted = np.ones(len(entries)) if weight is None else weight.detach().cpu().double().numpy()
        for i, column in enumerate(entries.T):
            if bool(self.on_ring[i]):
                self.low[i] = emptiest_angle(column, counted)
                continue
            found = column_values(column)
            self.constant[i], self.on_grid[i] = found.is_constant, found.step > 0 and not found.is_constant
            if self.smear or found.is_constant:
                self.step[i], self.origin[i] = found.step, found.origin
                self.atoms[i] = torch.from_numpy(np.where(np.isnan(found.atoms), np.inf, found.atoms))
                self.widths[i] = torch.from_numpy(found.widths)
                column = evenly_smeared(column, found)
            self._fit_column(i, column, counted)
        # Known on the CPU, so that no step has to ask.
        self.has_width = bool(self.step.any()) or bool(self.widths.any())
        return self

    def _fit_column(self, i: int, column: Any, weight: Any) -> None:
        values = column
        self.low[i], self.high[i] = column.min(), column.max()
        if self.kind == "logit":
            share = np.clip((column - column.min()) / np.ptp(column), EDGE, 1 - EDGE)
            values = np.log(share / (1 - share))
        mean = np.average(values, weights=weight)
        spread = math.sqrt(np.average((values - mean) ** 2, weights=weight))
        self.center[i], self.scale[i] = mean, spread
        if self.table is not None:
            self.table.set_column(i, *rank_table(column, weight, N_KNOTS))

    def smeared(self, x: Tensor, u: Tensor) -> Tensor:
        """Return float64 `x` `(B, F)`, what has no density moved by (u − ½) of its width; `u` `(B, F)` in [0, 1)."""
        exact = x.double()
        if not self.has_width:
            return exact
        # Widths of atoms are 0 where there are none; the sum over them picks at most one.
        hit = exact.unsqueeze(-1) == self.atoms
        width = self.step + torch.where(hit, self.widths, 0.0).sum(dim=-1)
        moved: Tensor = exact + (u.double() - 0.5) * width
        return moved

    def round_off(self, x: Tensor) -> Tensor:
        """Return `x` with what lies on no grid, or near a value that many share, moved there; undoes `smeared`."""
        exact = x.double()
        step = torch.where(self.step > 0, self.step, 1.0)
        found = torch.where(self.step > 0, self.origin + ((exact - self.origin) / step).round() * step, exact)
        for atom, width in zip(self.atoms.T, self.widths.T, strict=True):
            found = torch.where((exact - atom).abs() <= width / 2, atom, found)
        return found

    def outside(self, x: Tensor) -> Tensor:
        """Return which values `(B, F)` lie outside of the training range, and count as its edge."""
        if self.kind != "logit":
            return torch.zeros_like(x, dtype=torch.bool)
        exact = x.double()
        beyond: Tensor = ((exact < self.low) | (exact > self.high)) & ~self.on_ring
        return beyond

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z `(…, F)` and Σ ln |dz/dx| `(…)`, both float64, of entries `(…, F)` in raw units."""
        z, log_slope = self._forward(x.double().reshape(-1, x.shape[-1]))
        return z.reshape(x.shape), log_slope.reshape(x.shape[:-1])

    def _forward(self, exact: Tensor) -> tuple[Tensor, Tensor]:
        if self.table is not None:
            z, slope = self.table(exact)
            log_slope = slope.log()
        elif self.kind == "logit":
            length = self.high - self.low
            u = ((exact - self.low) / length).clamp(EDGE, 1 - EDGE)
            z = (torch.logit(u) - self.center) / self.scale
            log_slope = -(u * (1 - u)).log() - length.log() - self.scale.log()
        else:
            z = (exact - self.center) / self.scale
            log_slope = -self.scale.log().expand_as(z)
        if not self.has_ring:
            return z, log_slope.sum(dim=-1)
        u = (torch.remainder(exact - self.low, _PERIOD) / _PERIOD).clamp(EDGE, 1 - EDGE)
        angle = torch.where(self.on_ring, math.sqrt(2) * torch.erfinv(2 * u - 1), z)
        of_ring = 0.5 * angle.square() + 0.5 * math.log(2 * math.pi) - math.log(_PERIOD)
        return angle, torch.where(self.on_ring, of_ring, log_slope).sum(dim=-1)

    def inverse(self, z: Tensor) -> Tensor:
        """Return float64 entries `(…, F)` in raw units, angles in (−π, π]."""
        exact = z.double().reshape(-1, z.shape[-1])
        return self._inverse(exact).reshape(z.shape)

    def _inverse(self, exact: Tensor) -> Tensor:
        if self.table is not None:
            x = self.table.inverse(exact)
        elif self.kind == "logit":
            x = self.low + torch.sigmoid(exact * self.scale + self.center) * (self.high - self.low)
        else:
            x = exact * self.scale + self.center
        if not self.has_ring:
            return x
        angle = self.low + _PERIOD * 0.5 * (1 + torch.erf(exact / math.sqrt(2)))
        # Within (−π, π], as angles are given.
        return torch.where(self.on_ring, math.pi - torch.remainder(math.pi - angle, _PERIOD), x)


def emptiest_angle(angles: Any, weight: Any, n_bins: int = 32) -> float:
    """Return the middle of the bin of the ring [−π, π) with the fewest entries: where it is cut open."""
    wrapped = np.mod(angles + math.pi, _PERIOD) - math.pi
    counts, edges = np.histogram(wrapped, n_bins, (-math.pi, math.pi), weights=weight)
    least = int(np.argmin(counts))
    return float(0.5 * (edges[least] + edges[least + 1]))
