"""Distance correlation of two columns of a batch, unbiased and with a gradient: a penalty for scores that follow."""

from typing import Final

import torch
from torch import Tensor

MOST_ENTRIES: Final = 4096
"""Entries of a batch that are compared with each other at most: their distances take N² numbers."""

_LEAST_ENTRIES: Final = 4


def unbiased_distance_correlation(x: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the squared distance correlation of two columns, whose expectation is 0 where they are independent.

    With the distances aᵢⱼ = |xᵢ − xⱼ|, U-centred as in (3.1) of G. Székely, M. Rizzo, Annals of Statistics 42 (2014)
    2382 (arXiv:1310.2926), and bᵢⱼ of y,

        R² = (A·B) / √((A·A)(B·B)),   A·B = Σ_{i≠j} wᵢ wⱼ Aᵢⱼ Bᵢⱼ / (n (n − 3)).

    The usual estimate, with means in place of these sums, is 0.02 for 128 independent pairs and 0.05 for 64: a penalty
    that no training can make smaller. As a penalty: G. Kasieczka, D. Shih, Physical Review Letters 125 (2020) 122001
    (arXiv:2001.05310). Weights are scaled such that Σw = Σw² = n, the number of entries of equal weight that they are
    worth (Kish, 1965); weights of 0 and 1 leave out entries exactly.

    Args:
        x: `(B,)` scores; of more than `MOST_ENTRIES` the first are taken.
        y: `(B,)` the variable that the scores should not follow.
        weight: `(B,)` from 0; None where each entry counts once.

    Returns:
        A float32 or float64 number from −1 to 1, 0 where fewer than four entries count or a column is constant.

    >>> import torch
    >>> from hepad.losses import unbiased_distance_correlation
    >>> x = torch.linspace(-1, 1, 200)
    >>> [round(float(unbiased_distance_correlation(x, y)), 2) for y in (3 * x + 1, x.square())]
    [1.0, 0.23]
    """
    x, y = (_exact(column[:MOST_ENTRIES]) for column in (x, y))
    w = torch.ones_like(x) if weight is None else _exact(weight[:MOST_ENTRIES]).to(x.dtype)
    w = w * (w.sum() / w.square().sum().clamp(min=torch.finfo(x.dtype).tiny))
    n = w.sum()
    counted = n >= _LEAST_ENTRIES
    # Of fewer entries nothing is divided by 0, and nothing is looked at: a GPU would wait.
    safe = torch.where(counted, n, torch.full_like(n, _LEAST_ENTRIES))
    a, b = _centered(x, w, safe), _centered(y.to(x.dtype), w, safe)
    pairs = w.unsqueeze(0) * w.unsqueeze(1)
    together, of_x, of_y = ((pairs * one * other).sum() for one, other in ((a, b), (a, a), (b, b)))
    spread = of_x * of_y
    # √ has no finite gradient at 0, and one that is not taken would be NaN all the same.
    known = counted & (spread > 0)
    correlation = together / torch.where(known, spread, torch.ones_like(spread)).sqrt()
    return torch.where(known, correlation, torch.zeros_like(correlation))


def _exact(column: Tensor) -> Tensor:
    """Return a column in float32 at least: sums over N² products lose too much in half precision."""
    return column.float() if column.dtype in (torch.float16, torch.bfloat16) else column


def _centered(x: Tensor, w: Tensor, n: Tensor) -> Tensor:
    """Return the U-centred distances `(B, B)` of a column, on a scale of their own, with 0 on the diagonal."""
    # The correlation has no unit; in those of the column products of distances could overflow.
    mean = (w * x).sum() / n
    scale = ((w * (x - mean).square()).sum() / n).sqrt().detach()
    z = (x - mean.detach()) / torch.where(scale > 0, scale, torch.ones_like(scale))
    distances = (z.unsqueeze(0) - z.unsqueeze(1)).abs()
    sums = distances @ w
    total = (w * sums).sum()
    centered = distances - (sums.unsqueeze(0) + sums.unsqueeze(1)) / (n - 2) + total / ((n - 1) * (n - 2))
    return centered - torch.diag(centered.diagonal())
