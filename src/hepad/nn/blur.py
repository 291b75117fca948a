"""Gaussian blur of images."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_REACH = 3.0


class GaussianBlur(nn.Module):
    """A convolution of every channel with a Gaussian, cut off at 3σ; its numbers sum to 1.

    Two images whose hot pixels are one pixel apart are as far from each other as any two; blurred, they are near.

    Args:
        sigma: width in pixels; 0 for none. Around a ring at most a third of it.
        circular: the first image axis, φ, closes on itself; else images end there, as they do in η.

    >>> import torch
    >>> from hepad.nn.blur import GaussianBlur
    >>> image = torch.zeros(1, 1, 9, 9)
    >>> image[..., 4, 4] = 1.0
    >>> blurred = GaussianBlur(1.0)(image)
    >>> round(float(blurred.sum()), 4), round(float(blurred[..., 4, 4].squeeze()), 4)
    (1.0, 0.1592)
    """

    kernel: Tensor

    def __init__(self, sigma: float, circular: bool = False) -> None:
        super().__init__()
        self.circular = circular
        self.reach = math.ceil(_REACH * sigma)
        place = torch.arange(-self.reach, self.reach + 1, dtype=torch.float32)
        weight = torch.exp(-0.5 * (place / sigma).square()) if sigma else torch.ones(1)
        self.register_buffer("kernel", weight / weight.sum(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the blurred images, of the shape of `x` `(B, C, H, W)`."""
        if not self.reach:
            return x
        channels = x.shape[1]
        in_phi, in_eta = (
            self.kernel.to(x.dtype).view(shape).expand(channels, 1, *shape[2:])
            for shape in ((1, 1, -1, 1), (1, 1, 1, -1))
        )
        if self.circular:
            x = F.pad(x, (0, 0, self.reach, self.reach), mode="circular")
        x = F.conv2d(x, in_phi, padding=(0 if self.circular else self.reach, 0), groups=channels)
        return F.conv2d(x, in_eta, padding=(0, self.reach), groups=channels)

    def back_to_sources(self, values: Tensor, x: Tensor) -> Tensor:
        """Return `values` of blurred pixels, of the shape of `x`, as values of the pixels that they are made of.

        Each goes to the pixels of `x` by their shares in its sum, of the absolute, as relevance goes back through a
        layer (Bach et al., PLoS ONE 10, 2015, e0130140); where there is nothing around, it stays. Their sum stays.

        >>> import torch
        >>> from hepad.nn.blur import GaussianBlur
        >>> image = torch.zeros(1, 1, 9, 9)
        >>> image[..., 4, 4] = 3.0
        >>> values = GaussianBlur(1.0).back_to_sources(torch.ones_like(image), image)
        >>> float(values[..., 4, 4].round()), float(values.sum().round()), float(values[..., 0, 0])
        (49.0, 81.0, 1.0)
        """
        size = x.abs()
        around = self(size)
        # A share of the smallest floats is none.
        some = around > torch.finfo(x.dtype).tiny / torch.finfo(x.dtype).eps
        per_size = torch.where(some, values / torch.where(some, around, 1.0), 0.0)
        # The kernel is symmetric, so what goes out goes back by it.
        found: Tensor = size * self(per_size) + torch.where(some, 0.0, values)
        return found
