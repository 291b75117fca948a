"""Networks of showers: encoder, decoder and critic of volumes, and the correction of single cells."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes, growing_widths, halved_sizes, make_activation, mlp

_SMALLEST: Final = 5
_LARGEST_LOG: Final = 12.0


def shower_sizes(size: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the sizes of a volume halved, rounding up, until its shortest side is at most 5 cells.

    >>> shower_sizes((10, 10, 10)), shower_sizes((30, 30, 30))
    ([(10, 10, 10), (5, 5, 5)], [(30, 30, 30), (15, 15, 15), (8, 8, 8), (4, 4, 4)])
    """
    return halved_sizes(size, _SMALLEST)


class VolumeTrunk(nn.Module):
    """Convolutions of stride 2 over a volume, flattened, then a perceptron that sees what is known of the entry too.

    Without batch normalisation, as a gradient penalty wants it: an entry's output depends on that entry alone.

    Args:
        n_channels: channels of the volume.
        size: `(D, H, W)` cells.
        known: width K of what is known of an entry beside its cells.
        channels: channels of the convolutions; None for 16, doubled with each, one convolution more than halvings.
        hidden: width of the perceptron's layer.
        out: width of the output.
        activation: name of the activation function.
    """

    def __init__(
        self,
        n_channels: int,
        size: Sequence[int],
        known: int,
        channels: Sequence[int] | None,
        hidden: int,
        out: int,
        activation: str,
    ) -> None:
        super().__init__()
        channels = growing_widths(16, len(shower_sizes(size))) if channels is None else channels
        check_sizes(channels=channels, hidden=hidden)
        layers: list[nn.Module] = []
        left = tuple(size)
        for n_in, n_out in pairwise([n_channels, *channels]):
            layers += [nn.Conv3d(n_in, n_out, 3, stride=2, padding=1), make_activation(activation)]
            left = tuple(-(-n // 2) for n in left)
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.head = mlp([channels[-1] * math.prod(left) + known, hidden, out], activation)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """Return `(B, out)` for volumes `(B, C, D, H, W)` and what is known `(B, K)`."""
        found: Tensor = self.head(torch.cat([self.convolutions(x), known], dim=1))
        return found


class ShowerDecoder(nn.Module):
    """A dense layer to a small volume, transposed convolutions that double it, and a noise of its own for each cell.

    Neighbouring cells of a sampling calorimeter fluctuate independently of each other; numbers of a code, which all
    cells see, can hardly make them. So a map of noise joins the channels before the last convolutions.

    Args:
        code: width of the code and all that is known of an entry beside it.
        entry_shape: `(C, D, H, W)`.
        channels: channels of the small volume and after each doubling; None for 8 in the last, four times as many in each
            before it, at most 256.
        activation: name of the activation function.
    """

    def __init__(self, code: int, entry_shape: Sequence[int], channels: Sequence[int] | None, activation: str) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        sizes = shower_sizes(size)
        channels = [min(8 * 4**i, 256) for i in range(len(sizes))][::-1] if channels is None else channels
        check_sizes(channels=channels)
        if len(channels) > len(sizes):
            raise ValueError(f"decoder={list(channels)}: at most {len(sizes)} widths for volumes of {tuple(size)}")
        self.sizes = sizes[: len(channels)][::-1]
        self.noise_shape = (1, *size)
        self.first = nn.Sequential(
            nn.Linear(code, channels[0] * math.prod(self.sizes[0])),
            nn.Unflatten(1, (channels[0], *self.sizes[0])),
            make_activation(activation),
        )
        self.doublings = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose3d(n_in, n_out, 2, stride=2), make_activation(activation))
            for n_in, n_out in pairwise(channels)
        )
        self.last = nn.Sequential(
            nn.Conv3d(channels[-1] + 1, channels[-1], 3, padding=1),
            make_activation(activation),
            nn.Conv3d(channels[-1], n_channels, 1),
        )

    def forward(self, code: Tensor, noise: Tensor) -> Tensor:
        """Return the logarithms of cells `(B, C, D, H, W)`, none below 0, of codes and noises `(B, 1, D, H, W)`."""
        volume = self.first(code)
        for doubling, (depth, height, width) in zip(self.doublings, self.sizes[1:], strict=True):
            volume = doubling(volume)[..., :depth, :height, :width]
        return bounded_logarithm(self.last(torch.cat([volume, noise], dim=1)))


class CellCorrection(nn.Module):
    """Convolutions of 1 × 1 × 1 that change the energy of each cell by itself, given what is known of the shower.

    The post-processor of arXiv:2005.05334, here in logarithms of cells and as what is added to them.

    Args:
        n_channels: channels of the volume.
        known: width of what is known of an entry.
        width: channels of the hidden layers.
        activation: name of the activation function.
    """

    def __init__(self, n_channels: int, known: int, width: int, activation: str) -> None:
        super().__init__()
        widths = [n_channels + known, width, width, n_channels]
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Conv3d(n_in, n_out, 1), make_activation(activation)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, logarithms: Tensor, known: Tensor) -> Tensor:
        """Return corrected logarithms of cells `(B, C, D, H, W)`, given `(B, K)`."""
        everywhere = known[:, :, None, None, None].expand(-1, -1, *logarithms.shape[2:])
        return bounded_logarithm(logarithms + self.layers(torch.cat([logarithms, everywhere], dim=1)))


def bounded_logarithm(values: Tensor) -> Tensor:
    """Return values from 0, most cells of a shower being empty, to far above what a cell may hold."""
    return values.clamp(0.0, _LARGEST_LOG)
