"""Errors of volumes that do not see what single cells do."""

import torch
from torch import Tensor
from torch.nn import functional as F


def coarse_error(made: Tensor, original: Tensor) -> Tensor:
    """Return half the sum of squared differences of blocks of 2 × 2 × 2 cells, `()`, the mean over entries.

    A block is the mean of its cells. Fluctuations of single cells, which a code cannot hold and a generator has to draw
    anew, cost an eighth of what they would cost cell by cell, where they would be averaged away.

    Args:
        made: `(B, C, D, H, W)` volumes.
        original: what they should be.

    >>> import torch
    >>> from hepad.losses.volumes import coarse_error
    >>> x = torch.zeros(1, 1, 2, 2, 2)
    >>> float(coarse_error(x + 1, x))
    0.5
    """
    difference = (made - original).flatten(0, 1).unsqueeze(1)
    odd = [n % 2 for n in difference.shape[2:]]
    if any(odd):
        difference = F.pad(difference, [0, odd[2], 0, odd[1], 0, odd[0]])
    # A convolution, for pooling has no deterministic gradient on a GPU.
    blocks = F.conv3d(difference, torch.full_like(difference[:1, :, :2, :2, :2], 0.125), stride=2)
    return 0.5 * blocks.square().sum() / len(made)
