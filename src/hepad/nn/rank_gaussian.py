"""Ranks as normal coordinates: each column by a line through quantiles of the training entries."""

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from torch import Tensor, nn

FloatArray = NDArray[np.float64]

N_KNOTS: Final = 64
_FEWEST_BETWEEN: Final = 8
_TAIL: Final = 0.5


class RankLine(NamedTuple):
    """A line of straight pieces, rising, through knots; beyond the outer ones it goes on straight.

    Attributes:
        x, z: `(K,)` coordinates of the knots, both strictly rising.
        tails: slopes beyond the first and the last.
    """

    x: FloatArray
    z: FloatArray
    tails: tuple[float, float]


def rank_table(column: FloatArray, weight: FloatArray, n_knots: int = N_KNOTS) -> RankLine:
    """Return the line through quantiles of a column, at normal quantiles of equal distance.

    At least eight entries lie between two knots, so that slopes are no noise of single entries in the tails; the slope
    of a tail is that of the outermost half of a standard deviation.

    Args:
        column: `(N,)` values, ties smeared.
        weight: `(N,)` their weights.
        n_knots: how many; where there are fewer, further ones lie on the right tail.
    """
    order = np.argsort(column, kind="stable")
    values, counted = column[order], weight[order]
    share = (np.cumsum(counted) - 0.5 * counted) / counted.sum()
    normal = ndtri(_shares(len(column), n_knots))
    x = np.interp(ndtr(normal), share, values)
    # Knots that a float can hardly tell apart are one.
    least = 1e-9 * max(np.ptp(values), np.abs(values).max() * 1e-3) or 1e-9
    kept = [0]
    for i in range(1, len(x)):
        if x[i] - x[kept[-1]] > least:
            kept.append(i)
    x, normal = x[kept], normal[kept]
    if len(x) == 1:
        x, normal = np.array([x[0], x[0] + least]), np.array([normal[0], normal[0] + 1.0])
    tails = _tail_slope(x, normal), _tail_slope(-x[::-1], -normal[::-1])
    further = np.arange(1, n_knots - len(x) + 1) * (x[-1] - x[0]) / n_knots
    return RankLine(
        np.concatenate([x, x[-1] + further]), np.concatenate([normal, normal[-1] + further * tails[1]]), tails
    )


def _shares(n: int, n_knots: int) -> FloatArray:
    """Shares of entries below each knot."""
    first = min(0.5 / n, 0.25)
    wanted = ndtr(np.linspace(ndtri(first), -ndtri(first), n_knots))
    kept = [wanted[0]]
    for share in wanted[1:-1]:
        if min(share - kept[-1], wanted[-1] - share) >= _FEWEST_BETWEEN / n:
            kept.append(share)
    return np.array([*kept, wanted[-1]])


def _tail_slope(x: FloatArray, z: FloatArray) -> float:
    end = min(int(np.searchsorted(z, z[0] + _TAIL)), len(z) - 1)
    return float((z[end] - z[0]) / (x[end] - x[0]))


class RankTable(nn.Module):
    """Lines of several columns, in float64.

    Args:
        n_features: number F of columns; each is z = x until it is set.
    """

    x: Tensor
    z: Tensor
    slopes: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        start = torch.linspace(-1, 1, N_KNOTS, dtype=torch.float64).repeat(n_features, 1)
        self.register_buffer("x", start)
        self.register_buffer("z", start.clone())
        self.register_buffer("slopes", torch.ones(n_features, N_KNOTS + 1, dtype=torch.float64))

    def set_column(self, i: int, x: FloatArray, z: FloatArray, tails: tuple[float, float]) -> None:
        """Set the line of column `i`."""
        self.x[i], self.z[i] = torch.from_numpy(x), torch.from_numpy(z)
        self.slopes[i] = torch.from_numpy(np.array([tails[0], *(np.diff(z) / np.diff(x)), tails[1]]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return z `(B, F)` and the slopes dz/dx `(B, F)`."""
        of, slope = self._piece(self.x, x)
        return of[1] + (x - of[0]) * slope, slope

    def inverse(self, z: Tensor) -> Tensor:
        """Return x `(B, F)`."""
        of, slope = self._piece(self.z, z)
        found: Tensor = of[0] + (z - of[1]) / slope
        return found

    def _piece(self, knots: Tensor, values: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The knot (x, z) where the piece of each value begins, and its slope."""
        piece = torch.searchsorted(knots, values.T.contiguous(), right=True)
        begin = (piece - 1).clamp(min=0)
        return (self.x.gather(1, begin).T, self.z.gather(1, begin).T), self.slopes.gather(1, piece).T
