"""Convolutions on the calorimeter's cylinder."""

from torch import Tensor, nn
from torch.nn import functional as F


class PhiConv2d(nn.Module):
    """A convolution that keeps the image's size: circular in φ (the first image axis), zero-padded in η (the second).

    The calorimeter is a ring in φ. With circular padding its seam is no border, and rotating an image rotates what
    the convolution gives, exactly; zero padding would make an event's features depend on where φ = 0 was put.

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel: width of the square kernel, odd.
        circular: pad φ circularly; else with zeros too.

    Raises:
        ValueError: an even kernel, which cannot be centred.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, circular: bool = True) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel={kernel}; an odd width is needed")
        self.reach = kernel // 2
        self.circular = circular
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding=(0, self.reach))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, H, W)` for `x` `(B, n_in, H, W)`."""
        mode = "circular" if self.circular else "constant"
        convolved: Tensor = self.conv(F.pad(x, (0, 0, self.reach, self.reach), mode=mode))
        return convolved


class PhiConvTranspose2d(nn.Module):
    """A transposed convolution that widens an image in η, and keeps the ring in φ or widens it as well.

    Without padding a transposed convolution adds `kernel − 1` columns, and as many rows where φ is not circular. On a
    ring there is no border to grow over: the image goes on around it, and the number of rows stays.

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel: width of the square kernel, odd.
        circular: the first image axis closes on itself.

    Raises:
        ValueError: an even kernel, which cannot be centred.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, circular: bool = True) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel={kernel}; an odd width is needed")
        self.circular = circular
        # Rows continued around the ring, each of which the convolution would spread beyond it on both sides.
        self.reach = kernel // 2 if circular else 0
        self.conv = nn.ConvTranspose2d(n_in, n_out, kernel, padding=(2 * self.reach, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, H, W + kernel − 1)` for `x` `(B, n_in, H, W)`; H grows as W does where not circular."""
        convolved: Tensor = self.conv(F.pad(x, (0, 0, self.reach, self.reach), mode="circular"))
        return convolved


class PhiHalving(nn.Module):
    """A convolution of kernel 4 and stride 2, which halves an image; an odd last row or column weighs half.

    Args:
        n_in: input channels.
        n_out: output channels.
        circular: pad φ, the first image axis, circularly; else with zeros, as η always.
    """

    def __init__(self, n_in: int, n_out: int, circular: bool = True) -> None:
        super().__init__()
        self.circular = circular
        self.conv = nn.Conv2d(n_in, n_out, 4, stride=2, padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, ⌊H / 2⌋, ⌊W / 2⌋)` for `x` `(B, n_in, H, W)`, of at least 2 × 2 pixels."""
        mode = "circular" if self.circular else "constant"
        halved: Tensor = self.conv(F.pad(x, (0, 0, 1, 1), mode=mode))
        return halved


class PhiDoubling(nn.Module):
    """A transposed convolution of kernel 4 and stride 2, which doubles an image; around the ring in φ if that is one.

    Args:
        n_in: input channels.
        n_out: output channels.
        circular: the first image axis closes on itself.
    """

    def __init__(self, n_in: int, n_out: int, circular: bool = True) -> None:
        super().__init__()
        self.circular = circular
        # One row continued around the ring at either end reaches two rows of the doubled image.
        self.reach = 1 if circular else 0
        self.conv = nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=(1 + 2 * self.reach, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, 2 H, 2 W)` for `x` `(B, n_in, H, W)`."""
        doubled: Tensor = self.conv(F.pad(x, (0, 0, self.reach, self.reach), mode="circular"))
        return doubled
