"""Pooling of images and volumes by blocks of two cells along each axis, with gradients that are the same every time."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BlockMean(nn.Module):
    """The mean of each block of a volume; an odd last layer, row or column is averaged alone.

    `nn.AvgPool3d(2, ceil_mode=True, count_include_pad=False)` gives the same, by a backward pass that has no
    deterministic implementation on a GPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, ⌈Z / 2⌉, ⌈Y / 2⌉, ⌈X / 2⌉)` for `x` `(B, C, Z, Y, X)`."""
        sums = _blocks(_even(x)).sum(dim=(3, 5, 7))
        counts = _blocks(_even(torch.ones_like(x[:1, :1]))).sum(dim=(3, 5, 7))
        return sums / counts


class BlockMaximum(nn.Module):
    """The maximum of each block of a volume; an odd last layer, row or column is left out, as by `nn.MaxPool3d(2)`.

    Equal maxima share their gradient, which so is the same on every device.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, ⌊Z / 2⌋, ⌊Y / 2⌋, ⌊X / 2⌋)` for `x` `(B, C, Z, Y, X)`."""
        depth, height, width = (2 * (n // 2) for n in x.shape[2:])
        return _blocks(x[:, :, :depth, :height, :width]).amax(dim=(3, 5, 7))


def _even(x: Tensor) -> Tensor:
    """Return volumes with zeros behind axes of odd length."""
    depth, height, width = (n % 2 for n in x.shape[2:])
    return F.pad(x, (0, width, 0, height, 0, depth))


def _blocks(x: Tensor) -> Tensor:
    """Return volumes of even sizes as `(B, C, Z/2, 2, Y/2, 2, X/2, 2)`."""
    depth, height, width = x.shape[2:]
    return x.reshape(*x.shape[:2], depth // 2, 2, height // 2, 2, width // 2, 2)


def mean_of_blocks(axes: int) -> nn.Module:
    """Return the mean over blocks of images (two axes) or of volumes (three)."""
    return BlockMean() if axes == 3 else nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)


def maximum_of_blocks(axes: int) -> nn.Module:
    """Return the maximum over blocks of images (two axes) or of volumes (three)."""
    return BlockMaximum() if axes == 3 else nn.MaxPool2d(2)


def channel_dropout(axes: int, probability: float) -> nn.Module:
    """Return the dropping of whole channels of images (two axes) or of volumes (three)."""
    return nn.Dropout3d(probability) if axes == 3 else nn.Dropout2d(probability)
