"""Networks of showers: convolutions over volumes, a decoder that draws cells, and the correction of single cells."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from hepad.core.float32 import at_least_float32
from hepad.nn.dense import check_sizes, growing_widths, halved_sizes, make_activation, mlp

_SMALLEST: Final = 5
_LARGEST: Final = 1e3
_DECODER: Final = (128, 256)
_FIRST_CHANGE: Final = 0.1
_LEAST_SPREAD: Final = 0.05
_LOG_SPREADS: Final = (-4.0, 2.0)
_FURTHEST: Final = 6.0
_TINY: Final = 1e-30
_COARSE: Final = 1e-6


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


class Cells(NamedTuple):
    """Numbers of a decoder on the root of each cell, `(B, C, D, H, W)`: Cragg's hurdle, Econometrica 39 (1971) 829.

    Attributes:
        hit: h, the cell holds energy with the probability Φ(h).
        mean: μ of the root of a cell that does, which is N(μ, σ²) above 0.
        log_spread: ln σ.
    """

    hit: Tensor
    mean: Tensor
    log_spread: Tensor


def decoder_widths(hidden: Sequence[int] | None) -> Sequence[int]:
    """Return the widths of the layers of a decoder: those given, else 128 and 256."""
    widths = _DECODER if hidden is None else hidden
    check_sizes(generator=widths)
    return widths


class ShowerDecoder(nn.Module):
    """A perceptron to what is known of the root of each cell, which draws it with a noise of its own.

    Cells of a sampling calorimeter fluctuate independently of each other once the profile is given; numbers of a code,
    which all cells see, can hardly make them. h, μ and ln σ are corrections of those of each cell among training
    showers, `hit`, `center` and `log_spread`, where a training begins.

    Args:
        code: width of the code and all that is known of an entry beside it.
        entry_shape: `(C, D, H, W)`.
        hidden: widths of the layers; None for 128, 256.
        activation: name of the activation function.
    """

    hit: Tensor
    center: Tensor
    log_spread: Tensor

    def __init__(self, code: int, entry_shape: Sequence[int], hidden: Sequence[int] | None, activation: str) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        widths = decoder_widths(hidden)
        self.layers = mlp([code, *widths, 3 * math.prod(entry_shape)], activation)
        with torch.no_grad():
            for part in self.layers[-1].parameters():
                part.mul_(_FIRST_CHANGE)
        for name in ("hit", "center", "log_spread"):
            self.register_buffer(name, torch.zeros(self.entry_shape))

    @torch.no_grad()
    def fit(self, roots: Tensor) -> None:
        """Take how often the cells `(N, C, D, H, W)` of training showers hold energy, and mean and spread then."""
        filled = roots > 0
        n = filled.sum(dim=0)
        mean = roots.sum(dim=0) / n.clamp(min=1)
        square = torch.where(filled, (roots - mean).square(), torch.zeros_like(roots)).sum(dim=0) / n.clamp(min=1)
        self.hit.copy_(torch.special.ndtri(((n + 0.5) / (len(roots) + 1)).double()))
        self.center.copy_(torch.where(n > 0, mean, roots[filled].mean()))
        self.log_spread.copy_(square.sqrt().clamp(min=_LEAST_SPREAD).log())

    def forward(self, code: Tensor) -> Cells:
        """Return what there is to know of cells of codes."""
        # `len` would be a plain number, which an export keeps for all batches.
        hit, mean, log_spread = self.layers(code).view(code.shape[0], 3, *self.entry_shape).unbind(dim=1)
        spread = (self.log_spread + log_spread).clamp(*_LOG_SPREADS)
        # Far below 0, in units of the spread, a normal distribution above 0 is an exponential one already.
        mean = torch.maximum(self.center + mean, -_FURTHEST * spread.exp())
        return Cells((self.hit + hit).clamp(-_FURTHEST, _FURTHEST), mean, spread)


def drawn_cells(cells: Cells, noise: Tensor) -> Tensor:
    """Return roots of cells drawn with noises ε of N(0, 1), of which those below −h leave a cell empty.

    Of the others, the probability of a larger ε is that of a larger cell.
    """
    # Of half precision there is no Φ.
    kind = cells.mean.dtype
    cells, noise = Cells(*map(at_least_float32, cells)), at_least_float32(noise)
    # Of ε above the hurdle P(larger) / P(hit), both small where a cell is rarely hit.
    larger = (torch.special.log_ndtr(-noise) - torch.special.log_ndtr(cells.hit)).clamp(max=0.0)
    above = larger + torch.special.log_ndtr(cells.mean * (-cells.log_spread).exp())
    drawn = cells.mean - cells.log_spread.exp() * torch.special.ndtri(above.exp().clamp(_TINY, 1 - _COARSE))
    return bounded_roots(torch.where(noise > -cells.hit, drawn, torch.zeros_like(drawn))).to(kind)


def mean_cells(cells: Cells) -> Tensor:
    """Return the roots of what cells hold on average, Φ(h)·⟨x̂²⟩ with ⟨x̂²⟩ = μ² + σ² + μ σ φ(μ/σ)/Φ(μ/σ) above 0."""
    kind = cells.mean.dtype
    cells = Cells(*map(at_least_float32, cells))
    spread = cells.log_spread.exp()
    z = cells.mean / spread
    slope = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi) - torch.special.log_ndtr(z)).exp()
    square = cells.mean.square() + spread.square() + cells.mean * spread * slope
    return bounded_roots((torch.special.ndtr(cells.hit) * square).clamp(min=0.0).sqrt()).to(kind)


def hurdle_nll(roots: Tensor, cells: Cells) -> Tensor:
    """Return −ln p of each root of a cell: of a density above 0, of a probability at 0.

    >>> import torch
    >>> from hepad.nn.shower_networks import Cells, hurdle_nll
    >>> zero = torch.zeros(1)
    >>> round(float(hurdle_nll(zero, Cells(zero, zero, zero)).exp()), 6)  # 1 / P(cell is empty)
    2.0
    """
    narrow = (-cells.log_spread).exp()
    of_density = 0.5 * ((roots - cells.mean) * narrow).square() + cells.log_spread + 0.5 * math.log(2 * math.pi)
    of_hit = of_density + torch.special.log_ndtr(cells.mean * narrow) - torch.special.log_ndtr(cells.hit)
    return torch.where(roots > 0, of_hit, -torch.special.log_ndtr(-cells.hit))


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
