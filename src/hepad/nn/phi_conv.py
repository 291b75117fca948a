"""Convolutions of images and volumes one axis of which may be a ring: the calorimeter's cylinder."""

from collections.abc import Mapping
from typing import Final

from torch import Tensor, nn
from torch.nn import functional as F

_CONVOLUTION: Final[Mapping[int, type[nn.Conv2d | nn.Conv3d]]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: Final[Mapping[int, type[nn.ConvTranspose2d | nn.ConvTranspose3d]]] = {
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


class PhiConv(nn.Module):
    """A convolution that keeps the size of an image: circular in φ, the last axis but one, zero-padded in the others.

    The calorimeter is a ring in φ. With circular padding its seam is no border, and rotating an image rotates what
    the convolution gives, exactly; zero padding would make an event's features depend on where φ = 0 was put.

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel: width of the kernel along each axis, odd.
        circular: pad φ circularly; else with zeros too.
        axes: 2 for images (φ, η), 3 for volumes (layer, φ, r).

    Raises:
        ValueError: an even kernel, which cannot be centred.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, circular: bool = True, axes: int = 2) -> None:
        super().__init__()
        _check_odd(kernel)
        self.reach = kernel // 2
        self.circular = circular
        self.conv = _CONVOLUTION[axes](n_in, n_out, kernel, padding=_beside_phi(self.reach, 0, axes))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, H, W)` for `x` `(B, n_in, H, W)`, or so many volumes."""
        convolved: Tensor = self.conv(_around_phi(x, self.reach, self.circular))
        return convolved


class PhiConvTranspose(nn.Module):
    """A transposed convolution that widens an image in η, and keeps the ring in φ or widens it as well.

    Without padding a transposed convolution adds `kernel − 1` columns, and as many rows where φ is not circular. On a
    ring there is no border to grow over: the image goes on around it, and the number of rows stays. Layers of volumes
    are added as columns are.

    Args:
        n_in: input channels.
        n_out: output channels.
        kernel: width of the kernel along each axis, odd.
        circular: φ, the last axis but one, closes on itself.
        axes: 2 for images, 3 for volumes.

    Raises:
        ValueError: an even kernel, which cannot be centred.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, circular: bool = True, axes: int = 2) -> None:
        super().__init__()
        _check_odd(kernel)
        self.circular = circular
        # Rows continued around the ring, each of which the convolution would spread beyond it on both sides.
        self.reach = kernel // 2 if circular else 0
        self.conv = _TRANSPOSED[axes](n_in, n_out, kernel, padding=_beside_phi(0, 2 * self.reach, axes))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, H, W + kernel − 1)` for `x` `(B, n_in, H, W)`; H grows as W does where not circular."""
        convolved: Tensor = self.conv(_around_phi(x, self.reach, True))
        return convolved


class PhiHalving(nn.Module):
    """A convolution of kernel 4 and stride 2, which halves an image; an odd last row or column weighs half.

    Args:
        n_in: input channels.
        n_out: output channels.
        circular: pad φ, the last axis but one, circularly; else with zeros, as the others always.
        axes: 2 for images, 3 for volumes.
    """

    def __init__(self, n_in: int, n_out: int, circular: bool = True, axes: int = 2) -> None:
        super().__init__()
        self.circular = circular
        self.conv = _CONVOLUTION[axes](n_in, n_out, 4, stride=2, padding=_beside_phi(1, 0, axes))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, ⌊H / 2⌋, ⌊W / 2⌋)` for `x` `(B, n_in, H, W)`, of at least 2 × 2 pixels."""
        halved: Tensor = self.conv(_around_phi(x, 1, self.circular))
        return halved


class PhiDoubling(nn.Module):
    """A transposed convolution of kernel 4 and stride 2, which doubles an image; around the ring in φ if that is one.

    Args:
        n_in: input channels.
        n_out: output channels.
        circular: φ, the last axis but one, closes on itself.
        axes: 2 for images, 3 for volumes.
    """

    def __init__(self, n_in: int, n_out: int, circular: bool = True, axes: int = 2) -> None:
        super().__init__()
        self.circular = circular
        # One row continued around the ring at either end reaches two rows of the doubled image.
        self.reach = 1 if circular else 0
        self.conv = _TRANSPOSED[axes](n_in, n_out, 4, stride=2, padding=_beside_phi(1, 1 + 2 * self.reach, axes))

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, n_out, 2 H, 2 W)` for `x` `(B, n_in, H, W)`."""
        doubled: Tensor = self.conv(_around_phi(x, self.reach, True))
        return doubled


def _check_odd(kernel: int) -> None:
    if kernel % 2 == 0:
        raise ValueError(f"kernel={kernel}; an odd width is needed")


def _beside_phi(padding: int, of_phi: int, axes: int) -> tuple[int, ...]:
    """Return a padding of each axis, that of φ another one."""
    return (*[padding] * (axes - 2), of_phi, padding)


def _around_phi(x: Tensor, reach: int, circular: bool) -> Tensor:
    """Return images or volumes that go on for so many rows at both ends of φ, around the ring or with zeros."""
    # PyTorch pads circularly only all axes of a volume at once.
    others = (0, 0) * (x.ndim - 4)
    return F.pad(x, (0, 0, reach, reach, *others), mode="circular" if circular else "constant")
