"""The symmetries of calorimeter images: rotations in φ and the mirror in η, exact on the grid."""

from typing import Final

import torch
from torch import Tensor

_MOST_ROTATIONS: Final = 17


def rotation_steps(n_rows: int) -> list[int]:
    """Return by how many rows images are rotated to see what a score makes of it; all of 18, evenly spread of more.

    >>> rotation_steps(5)
    [1, 2, 3, 4]
    >>> rotation_steps(72)
    [1, 5, 10, 14, 18, 23, 27, 32, 36, 40, 45, 49, 54, 58, 62, 67, 71]
    """
    n_steps = min(n_rows - 1, _MOST_ROTATIONS)
    # From one row on to the last: steps that are all even would be invisible behind a pool of two rows.
    return [round(1 + i * (n_rows - 2) / max(n_steps - 1, 1)) for i in range(n_steps)]


def roll_phi(images: Tensor, shifts: Tensor) -> Tensor:
    """Rotate each image by its own whole number of rows; no pixel is interpolated, none is lost.

    Args:
        images: `(B, C, H, W)` with φ along H.
        shifts: `(B,)` int64, rows by which each image moves up in φ.
    """
    height = images.shape[2]
    source = (torch.arange(height, device=images.device) - shifts[:, None]) % height
    return torch.take_along_dim(images, source[:, None, :, None], dim=2)


def flip_eta(images: Tensor, flipped: Tensor) -> Tensor:
    """Mirror the images `(B, C, H, W)`, with η along W, for which `flipped` `(B,)` is true."""
    return torch.where(flipped[:, None, None, None], images.flip(3), images)


def augment(images: Tensor, generator: torch.Generator, phi: bool, eta: bool) -> Tensor:
    """Return the images `(B, C, H, W)` rotated in φ and mirrored in η at random, each by itself."""
    n_images, _, height, _ = images.shape
    # Both are drawn whatever is asked for, so that switching one off leaves the other as it was.
    shifts = torch.randint(height, (n_images,), generator=generator)
    flipped = torch.randint(2, (n_images,), generator=generator).bool()
    images = roll_phi(images, shifts) if phi else images
    return flip_eta(images, flipped) if eta else images
