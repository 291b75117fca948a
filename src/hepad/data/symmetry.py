"""The symmetries of calorimeter images: rotations in φ and the mirror in η, exact on the grid."""

import torch
from torch import Tensor


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
