"""Normalised cross-correlation."""

from typing import ClassVar

import torch
from torch import Tensor

from hepad.losses.base import ReconstructionLoss


class NCC(ReconstructionLoss):
    """One minus the correlation of the pixels of two images, over all axes of the entry.

    NCC = 1 − Σ(x − x̄)(x̂ − x̂̄) / (‖x − x̄‖ ‖x̂ − x̂̄‖), in [0, 2]; it does not change where an image is scaled or
    shifted as a whole, so that it compares shapes alone (J. P. Lewis, Vision Interface 1995).

    The quotient is undefined where an image is constant. A constant image has no shape, so two of them are alike
    (loss 0), and one is unlike anything else (loss 1). Both follow, without a jump, from one more coordinate that
    all images share, as in the cosine of the angle between (x − x̄, c) and (x̂ − x̂̄, c) with c² = floor²·(number of
    pixels): an image counts as constant where its standard deviation is far below `floor`, and as one of a shape where
    it is far above. It is computed as half the squared distance of the two unit vectors, which is never negative,
    exact for alike images and cannot overflow.

    Args:
        floor: standard deviation, in normalised units, at which an image begins to have a shape.

    Raises:
        ValueError: a floor that is not positive.
    """

    kinds: ClassVar[frozenset[str] | None] = frozenset({"calo", "jet_images"})

    def __init__(self, floor: float = 1e-3) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f"floor={floor}; a positive number is needed")
        self.floor = floor

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` values for `x_hat` and `x` `(B, C, H, W)`; images have no mask."""
        return 0.5 * (self._direction(x_hat) - self._direction(x)).square().sum(dim=1)

    def _direction(self, x: Tensor) -> Tensor:
        """Return the unit vectors along (x − x̄, c), `(B, number of pixels + 1)`."""
        pixels = x.flatten(1)
        # Counted from its first pixel a constant image is exactly 0, however large its value.
        pixels = pixels - pixels[:, :1]
        shared = self.floor * pixels.shape[1] ** 0.5
        # Squares and sums overflow long before the numbers do.
        size = pixels.detach().abs().amax(dim=1, keepdim=True).clamp(min=shared)
        pixels = pixels / size
        extended = torch.cat([pixels - pixels.mean(dim=1, keepdim=True), shared / size], dim=1)
        direction: Tensor = extended / torch.linalg.vector_norm(extended, dim=1, keepdim=True)
        return direction
