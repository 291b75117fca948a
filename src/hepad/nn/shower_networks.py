"""Networks of showers: convolutions over volumes, a decoder that draws cells, and the correction of single cells."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.dense import check_sizes, growing_widths, halved_sizes, make_activation, mlp

_SMALLEST: Final = 5
_LARGEST: Final = 1e3
_DECODER: Final = (128, 256)
_FIRST_CHANGE: Final = 0.1
_LEAST_SPREAD: Final = 0.05
_LOG_SPREADS: Final = (-4.0, 2.0)


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
    """A perceptron to mean and spread of the root of each cell, which draws it with a noise of its own.

    Cells of a sampling calorimeter fluctuate independently of each other once the profile is given; numbers of a code,
    which all cells see, can hardly make them. A cell is max(0, μ + σ ε), empty where that is below 0, and has so the
    likelihood of a censored normal variable (Tobin, Econometrica 26 (1958) 24). μ and ln σ are corrections of those of
    each cell among training showers, `center` and `log_spread`, where a training begins.

    Args:
        code: width of the code and all that is known of an entry beside it.
        entry_shape: `(C, D, H, W)`.
        hidden: widths of the layers; None for 128, 256.
        activation: name of the activation function.
    """

    center: Tensor
    log_spread: Tensor

    def __init__(self, code: int, entry_shape: Sequence[int], hidden: Sequence[int] | None, activation: str) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        widths = _DECODER if hidden is None else hidden
        check_sizes(generator=widths)
        self.layers = mlp([code, *widths, 2 * math.prod(entry_shape)], activation)
        with torch.no_grad():
            for part in self.layers[-1].parameters():
                part.mul_(_FIRST_CHANGE)
        self.register_buffer("center", torch.zeros(self.entry_shape))
        self.register_buffer("log_spread", torch.zeros(self.entry_shape))

    @torch.no_grad()
    def fit(self, roots: Tensor) -> None:
        """Take mean and spread of the cells `(N, C, D, H, W)` of training showers."""
        self.center.copy_(roots.mean(dim=0))
        self.log_spread.copy_(roots.std(dim=0, correction=0).clamp(min=_LEAST_SPREAD).log())

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ of the roots of cells, `(B, C, D, H, W)` each, of codes."""
        changes = self.layers(code).view(len(code), 2, *self.entry_shape)
        return self.center + changes[:, 0], (self.log_spread + changes[:, 1]).clamp(*_LOG_SPREADS)


def drawn_cells(mean: Tensor, log_spread: Tensor, noise: Tensor) -> Tensor:
    """Return cells max(0, μ + σ ε) of a decoder, for noises ε."""
    return bounded_roots(mean + log_spread.exp() * noise)


def censored_nll(cells: Tensor, mean: Tensor, log_spread: Tensor) -> Tensor:
    """Return −ln p of each cell, max(0, N(μ, σ²)) by a decoder: of a density above 0, of a probability at 0.

    >>> import torch
    >>> from hepad.nn.shower_networks import censored_nll
    >>> round(float(censored_nll(torch.zeros(1), torch.zeros(1), torch.zeros(1)).exp()), 6)  # 1 / P(cell is empty)
    2.0
    """
    z = (cells - mean) * (-log_spread).exp()
    of_density = 0.5 * z.square() + log_spread + 0.5 * math.log(2 * math.pi)
    return torch.where(cells > 0, of_density, -torch.special.log_ndtr(z))


class CellCorrection(nn.Module):
    """Convolutions of 1 × 1 × 1 that change the energy of each cell by itself, given what is known of the shower.

    The post-processor of arXiv:2005.05334, here in roots of cells and as what is added to them. Empty cells
    stay so.

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

    def forward(self, roots: Tensor, known: Tensor) -> Tensor:
        """Return corrected roots of cells `(B, C, D, H, W)`, given `(B, K)`."""
        everywhere = known[:, :, None, None, None].expand(-1, -1, *roots.shape[2:])
        corrected = bounded_roots(roots + self.layers(torch.cat([roots, everywhere], dim=1)))
        return torch.where(roots > 0, corrected, torch.zeros_like(corrected))


def bounded_roots(values: Tensor) -> Tensor:
    """Return values from 0, most cells of a shower being empty, to far above what a cell may hold."""
    return values.clamp(0.0, _LARGEST)
