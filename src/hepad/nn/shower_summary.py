"""Summary of a shower: its profiles along all axes, and its cells by falling energy."""

from typing import Final

import torch
from torch import Tensor

_RANKS: Final = 20


def shower_summary(shares: Tensor, roots: Tensor) -> Tensor:
    """Return `(B, C(D + H + W) + R)` numbers of showers: sums over all axes but one, and R of their sorted cells.

    Profiles say where the energy is and the sorted cells of what size its deposits are; neither knows which cell
    fluctuates, so that distances of summaries are not those of noise.

    Args:
        shares: `(B, C, D, H, W)` shares of cells.
        roots: the same cells as roots.

    >>> import torch
    >>> from hepad.nn.shower_summary import shower_summary
    >>> cells = torch.rand(4, 1, 10, 10, 10)
    >>> shower_summary(cells, cells).shape
    torch.Size([4, 49])
    """
    profiles = [shares.sum(dim=axes).flatten(1) for axes in ((3, 4), (2, 4), (2, 3))]
    by_energy = roots.flatten(1).sort(dim=1, descending=True).values
    n = by_energy.shape[1]
    # More of the hottest cells, which hold most of the energy.
    ranks = sorted({min(n - 1, round(n ** (i / (_RANKS - 1))) - 1) for i in range(_RANKS)})
    return torch.cat([*profiles, by_energy[:, torch.tensor(ranks, device=by_energy.device)]], dim=1)
