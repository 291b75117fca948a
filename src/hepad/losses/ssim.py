"""Structural similarity."""

import math
from typing import ClassVar

import torch
from pytorch_msssim import ssim
from torch import Tensor
from torch.nn import functional as F

from hepad.core.errors import UserError
from hepad.core.schema import Structure
from hepad.losses.base import ReconstructionLoss

# Squares of larger numbers lose the constants C₁ and C₂ to rounding; the similarity is settled long before.
_FARTHEST = 1e3
# Parts of the data range: an image whose brightest pixel is below is empty. A thousandth is far below one count.
_EMPTY = 1e-3
_WINDOWS = 1 << 16


class SSIM(ReconstructionLoss):
    """One minus the structural similarity of two images (Wang et al., IEEE Trans. Image Process. 13 (2004) 600).

    SSIM = (2μμ̂ + C₁)/(μ² + μ̂² + C₁) · (2σ_xx̂ + C₂)/(σ² + σ̂² + C₂) with means, variances and covariance under a Gaussian
    window around each pixel, averaged over pixels and channels; C_i = (K_i L)², K₁ = 0.01, K₂ = 0.03. The loss lies in
    [0, 2].

    - Intensities are counted from the darkest pixel of the background, and L is the range from there to its brightest;
      both are taken from the normalised training entries (`fit`) and kept in buffers. So the loss is the same whatever
      the scale and the zero of the normaliser.
    - Every pixel is the centre of a window: the image goes on around the ring in φ, and is mirrored in η.
    - Two empty images differ by 0, an empty and a non-empty one by 1. SSIM alone would call the latter alike wherever
      both are dark, so it is multiplied with 1 − |h(x) − h(x̂)|, h(x) = p⁴ / (p⁴ + e⁴), where p is the brightest pixel
      of an image and e = 0.001 L. For images brighter than 0.01 L that differs from 1 by less than 1e-4.

    Args:
        window: width of the Gaussian window in pixels, odd and at most 7: a wider one sees little else than borders
            of a calorimeter image.
        sigma: standard deviation of the window in pixels.
        circular: whether the first image axis closes on itself, as φ does.
        data_range: L in normalised units; None takes it from the training entries.

    Raises:
        ValueError: a window that is even, below 3 or above 7, or a data range that is not positive.

    >>> import torch
    >>> from hepad.losses import SSIM
    >>> _ = torch.manual_seed(0)
    >>> images = torch.rand(8, 1, 18, 14)
    >>> loss = SSIM()
    >>> loss.fit(images)
    >>> loss(images, images).abs().max() < 1e-6
    tensor(True)
    >>> loss(images.roll(1, dims=2), images).shape
    torch.Size([8])
    >>> round(float(loss(images.roll(1, dims=2), images).mean()), 1)
    1.0
    """

    structures: ClassVar[frozenset[Structure] | None] = frozenset({"image"})

    darkest: Tensor
    data_range: Tensor

    def __init__(
        self, window: int = 7, sigma: float = 1.5, circular: bool = True, data_range: float | None = None
    ) -> None:
        super().__init__()
        if window not in (3, 5, 7):
            raise ValueError(f"window={window}; allowed: 3, 5, 7")
        if not sigma > 0:
            raise ValueError(f"sigma={sigma}; a positive width is needed")
        if data_range is not None and not data_range > 0:
            raise ValueError(f"data_range={data_range}; a positive range, or null for that of the training entries")
        self.window = window
        self.sigma = sigma
        self.circular = circular
        self.given_range = data_range
        self.register_buffer("darkest", torch.zeros(()))
        # NaN until it is fitted: a loss of NaN is seen, one of 0 is believed.
        self.register_buffer("data_range", torch.tensor(data_range or math.nan))

    def fit(self, z: Tensor) -> None:
        """Take the darkest pixel and the range from there to the brightest; refuse images without one.

        Raises:
            UserError: images smaller than the window, or all pixels of all images alike.
        """
        height, width = z.shape[-2:]
        if min(height, width) < self.window:
            fitting = [size for size in (3, 5) if size <= min(height, width)]
            hint = f"model.loss.window={fitting[-1]} fits" if fitting else "SSIM needs at least 3 × 3 pixels"
            raise UserError(f"SSIM: images of {height} × {width} are smaller than the window of {self.window}; {hint}")
        low, high = z.aminmax()
        if not high > low:
            raise UserError("SSIM: every pixel of every training image has the same value, so the data range is 0")
        self.darkest.copy_(low)
        if self.given_range is None:
            self.data_range.copy_(high - low)

    def forward(self, x_hat: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` values for `x_hat` and `x` `(B, C, H, W)`; images have no mask."""
        a, b = self._units(x_hat), self._units(x)
        return 1 - _both_or_neither(a, b) * self._similarity(self._continued(a), self._continued(b))

    def elementwise(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """Return the loss of the window around each pixel."""
        a, b = self._units(x_hat), self._units(x)
        # A window is 49 times the pixel in its middle, so only some entries at once.
        step = max(1, _WINDOWS // x[0].numel())
        parts = zip(torch.split(a, step), torch.split(b, step), strict=True)
        similarity = torch.cat([self._similarity(self._windows(c), self._windows(d)) for c, d in parts])
        return 1 - _both_or_neither(a, b)[:, None, None, None] * similarity.reshape(x.shape)

    def _similarity(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the mean similarity `(N,)` over all places where the window fits into images `(N, C, H, W)`."""
        found: Tensor = ssim(a, b, data_range=1.0, size_average=False, win_size=self.window, win_sigma=self.sigma)
        return found

    def _windows(self, x: Tensor) -> Tensor:
        """Return what the window around each pixel of each channel sees, `(B·C·H·W, 1, window, window)`."""
        windows = self._continued(x).unfold(2, self.window, 1).unfold(3, self.window, 1)
        return windows.reshape(-1, 1, self.window, self.window)

    def _units(self, x: Tensor) -> Tensor:
        """Return intensities above the darkest pixel in units of the data range."""
        return ((x - self.darkest) / self.data_range).clamp(-_FARTHEST, _FARTHEST)

    def _continued(self, x: Tensor) -> Tensor:
        """Return images that go on for half a window beyond each border."""
        reach = self.window // 2
        x = _mirrored(x, reach, axis=3)
        return F.pad(x, (0, 0, reach, reach), mode="circular") if self.circular else _mirrored(x, reach, axis=2)


def _mirrored(x: Tensor, reach: int, axis: int) -> Tensor:
    """Return `x` with `reach` rows more at both ends of an axis, mirrored at the outermost ones.

    The same as `F.pad(…, mode="reflect")`, whose backward pass has no deterministic implementation on a GPU.
    """
    low = x.narrow(axis, 1, reach).flip(axis)
    high = x.narrow(axis, x.shape[axis] - 1 - reach, reach).flip(axis)
    return torch.cat([low, x, high], dim=axis)


def _both_or_neither(a: Tensor, b: Tensor) -> Tensor:
    """Return `(B,)`: 0 where one of two images is empty and the other is not, 1 elsewhere."""
    return 1 - (_presence(a) - _presence(b)).abs()


def _presence(x: Tensor) -> Tensor:
    """Return h of images in units of the data range, `(B,)`: 0 for empty ones, 1 for all others."""
    ratio = (x.abs().flatten(1).amax(dim=1) / _EMPTY).clamp(max=_FARTHEST) ** 4
    return ratio / (1 + ratio)
