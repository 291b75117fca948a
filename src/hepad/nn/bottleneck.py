"""The networks of a bounded information bottleneck autoencoder of showers, and showers as they see them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hepad.core.float32 import at_least_float32
from hepad.nn.cell_shares import CellShares, totals
from hepad.nn.dense import mlp
from hepad.nn.shower_networks import CellCorrection, ShowerDecoder, VolumeTrunk, drawn_cells
from hepad.nn.total_given_context import TotalGivenContext

_HIDDEN = 64
_CORRECTION = 16


class Showers(NamedTuple):
    """Showers as networks see them.

    Attributes:
        logarithms: `(B, C, D, H, W)` ln(1 + s / s₀) of the shares s of cells.
        known: `(B, K + 1)` the context in standard units, and where the shower's total lies among those of its context.
    """

    logarithms: Tensor
    known: Tensor


class ShowerUnits(nn.Module):
    """A map of showers in raw units to what networks see, and back.

    Args:
        context_size: number K of observables that showers are conditioned on.
    """

    def __init__(self, context_size: int) -> None:
        super().__init__()
        self.total = TotalGivenContext(context_size)
        self.cells = CellShares()

    def fit(self, x: Tensor, context: Tensor | None, weight: Tensor | None) -> None:
        """Take what there is to know of training showers `(N, C, D, H, W)`."""
        self.total.fit(totals(x), context, weight)
        self.cells.fit(x)

    def forward(self, x: Tensor, context: Tensor | None) -> Showers:
        """Return showers as networks see them."""
        exact = at_least_float32(x)
        return Showers(self.cells(exact).to(x.dtype), self.known(self.total(totals(exact), context), context, x.dtype))

    def known(self, r: Tensor, context: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Return what networks are told of showers: their context, and r, where their totals lie."""
        standard = self.total.standard(context)
        columns = r.unsqueeze(1) if standard is None else torch.cat([standard, r.unsqueeze(1)], dim=1)
        return columns.clamp(-5, 5).to(dtype)

    def raw(self, logarithms: Tensor, r: Tensor, context: Tensor | None) -> Tensor:
        """Return cells in raw units of logarithms, their totals being those of `r` `(B,)`."""
        return self._scaled(logarithms, self.total.inverse(r, context))

    def rescaled(self, logarithms: Tensor, x: Tensor) -> Tensor:
        """Return cells in raw units of logarithms, their totals being those of the showers `x`."""
        return self._scaled(logarithms, totals(at_least_float32(x)))

    def _scaled(self, logarithms: Tensor, total: Tensor) -> Tensor:
        shares = self.cells.inverse(at_least_float32(logarithms))
        return shares * total.to(shares.dtype).view(-1, *[1] * (shares.ndim - 1))


class ShowerMaker(nn.Module):
    """Encoder, decoder and correction of cells.

    Args:
        entry_shape: `(C, D, H, W)`.
        known: width of what is known of a shower.
        latent: width L of the code.
        channels: of the encoder; None for its own.
        decoder: widths of the decoder; None for its own.
        activation: name of the activation function.
    """

    def __init__(
        self,
        entry_shape: Sequence[int],
        known: int,
        latent: int,
        channels: Sequence[int] | None,
        decoder: Sequence[int] | None,
        activation: str,
    ) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        self.encoder = VolumeTrunk(n_channels, size, known, channels, _HIDDEN, 2 * latent, activation)
        self.decoder = ShowerDecoder(latent + known, entry_shape, decoder, activation)
        self.correction = CellCorrection(n_channels, known, _CORRECTION, activation)

    def encode(self, showers: Showers) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ² of codes, `(B, L)` each."""
        mean, log_variance = self.encoder(*showers).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 20)

    def decode(self, code: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ of the logarithms of cells."""
        mean, log_spread = self.decoder(torch.cat([code, known], dim=1))
        return mean, log_spread

    def make(self, code: Tensor, noise: Tensor, known: Tensor) -> Tensor:
        """Return corrected logarithms of cells, drawn with `noise` of their shape."""
        return self.correct(drawn_cells(*self.decode(code, known), noise), known)

    def correct(self, logarithms: Tensor, known: Tensor) -> Tensor:
        """Return corrected logarithms of cells."""
        corrected: Tensor = self.correction(logarithms, known)
        return corrected


class ShowerCritic(nn.Module):
    """Values of showers beside those that they are to be reconstructions of, as shares, logarithms and differences.

    Three views of one volume: shares show the core, logarithms the many cells of little energy, and the difference from
    the original, 0 for real showers, what a reconstruction got wrong.

    Args:
        entry_shape: `(C, D, H, W)`.
        known: width of what is known of a shower.
        channels: of the convolutions; None for their own.
        activation: name of the activation function.
    """

    def __init__(self, entry_shape: Sequence[int], known: int, channels: Sequence[int] | None, activation: str) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        self.trunk = VolumeTrunk(3 * n_channels, size, known, channels, _HIDDEN, 1, activation)

    def forward(self, share: Tensor, logarithm: Tensor, difference: Tensor, known: Tensor) -> Tensor:
        """Return values `(B,)`, higher for what looks real."""
        values: Tensor = self.trunk(torch.cat([share, logarithm, difference], dim=1), known)
        return values.squeeze(1)


def latent_critic(activation: str) -> nn.Module:
    """Return a critic of single latent variables `(N, 1)`: whether one of them is N(0, 1) or not."""
    return mlp([1, _HIDDEN, _HIDDEN, 1], activation)
