"""Normalised cross-correlation."""

from typing import ClassVar

import torch
from torch import Tensor

from hepad.core.schema import Structure
from hepad.losses.base import ReconstructionLoss

# Where t is larger, 1/t⁴ is far below rounding, and the cube of t need not grow any more.
_SETTLED = 1e3
# A threshold of 0 would make the gradient of t infinite, and 0 · ∞ where t is cut off.
_TINY = 1e-30


class NCC(ReconstructionLoss):
    """One minus the correlation of the pixels of two images, or of the cells of volumes, over all axes of the entry.

    NCC = 1 − Σ(x − x̄)(x̂ − x̂̄) / (‖x − x̄‖ ‖x̂ − x̂̄‖), in [0, 2]; it does not change where an image is scaled or
    shifted as a whole, so that it compares shapes alone (J. P. Lewis, Vision Interface 1995).

    The quotient is undefined where an image is constant. A constant image has no shape, so two of them are alike
    (loss 0), and one is unlike anything else (loss 1). Both follow, without a jump, from one more coordinate: the loss
    is 1 − cos of the angle between ((t + t⁴) u, 1) and ((t̂ + t̂⁴) û, 1), with u the unit vector along x − x̄ and t the
    standard deviation of the image in parts of a threshold. The fourth power makes the step short: at t = 10 a constant
    image is unlike this one by 0.9999, and a single count in one region of a calorimeter image is beyond that. The
    first power is there for training: with t⁴ alone a constant reconstruction would have no gradient, and a decoder
    that collapsed to one could never leave it. It is computed as half the squared distance of the two unit vectors,
    which is never negative, exact for alike images and cannot overflow.

    Args:
        floor: the threshold, as a part of the standard deviation of all pixels of the background, which is taken from
            the normalised training entries (`fit`) and kept in a buffer; 1 before.

    Raises:
        ValueError: a floor that is not positive.

    >>> import torch
    >>> from hepad.losses import NCC
    >>> _ = torch.manual_seed(0)
    >>> image = torch.rand(1, 1, 18, 14)
    >>> [round(float(NCC()(x_hat, image)), 2) for x_hat in (3 * image + 5, -image, torch.zeros_like(image))]
    [0.0, 2.0, 1.0]
    """

    structures: ClassVar[frozenset[Structure] | None] = frozenset({"image", "volume"})

    spread: Tensor

    def __init__(self, floor: float = 1e-3) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f"floor={floor}; a positive number is needed")
        self.floor = floor
        self.register_buffer("spread", torch.ones(()))

    def fit(self, z: Tensor) -> None:
        """Take the standard deviation of all pixels; where they are all alike, any image that is not has a shape."""
        spread = z.double().std(correction=0)
        self.spread.copy_(spread if spread > 0 else torch.ones(()))

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` values for `x_hat` and `x` `(B, *entry_shape)`; images have no mask."""
        return 0.5 * (self._direction(x_hat) - self._direction(x)).square().sum(dim=1)

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return the squares that are summed, times the number of pixels; all pixels share that of the last one."""
        squares = 0.5 * (self._direction(x_hat) - self._direction(x)).square()
        pixels, shared = squares[:, :-1], squares[:, -1:]
        return (pixels * pixels.shape[1] + shared).reshape(x.shape)

    def _direction(self, x: Tensor) -> Tensor:
        """Return the unit vectors along ((t + t⁴) u, 1), `(B, number of pixels + 1)`."""
        pixels = x.flatten(1)
        # Counted from its first pixel a constant image is exactly 0, however large its value.
        pixels = pixels - pixels[:, :1]
        threshold = self.floor * self.spread.to(x) * pixels.shape[1] ** 0.5
        # Squares and sums overflow long before the numbers do.
        size = torch.maximum(pixels.detach().abs().amax(dim=1, keepdim=True), threshold)
        pixels = pixels / size
        pixels = pixels - pixels.mean(dim=1, keepdim=True)
        threshold = threshold / size
        t = torch.linalg.vector_norm(pixels, dim=1, keepdim=True) / threshold.clamp(min=_TINY)
        extended = torch.cat([pixels * (1 + t.clamp(max=_SETTLED) ** 3), threshold], dim=1)
        direction: Tensor = extended / torch.linalg.vector_norm(extended, dim=1, keepdim=True)
        return direction
