"""The networks of a bounded information bottleneck autoencoder of showers."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepad.nn.code_flow import CodeFlow
from hepad.nn.dense import mlp
from hepad.nn.shower_networks import CellCorrection, Cells, ShowerDecoder, VolumeTrunk, decoder_widths, drawn_cells
from hepad.nn.shower_units import Showers

_HIDDEN = 64
_CORRECTION = 16


class ShowerMaker(nn.Module):
    """Encoder, decoder, correction of cells, and the distribution of codes.

    The encoder is a perceptron as the decoder is, its widths in reverse order: a tenth of the work of convolutions.

    Args:
        entry_shape: `(C, D, H, W)`.
        known: width of what is known of a shower.
        latent: width L of the code.
        decoder: widths of the decoder; None for its own.
        activation: name of the activation function.
    """

    def __init__(
        self, entry_shape: Sequence[int], known: int, latent: int, decoder: Sequence[int] | None, activation: str
    ) -> None:
        super().__init__()
        widths = decoder_widths(decoder)
        self.encoder = mlp([math.prod(entry_shape) + known, *reversed(widths), 2 * latent], activation)
        self.decoder = ShowerDecoder(latent + known, entry_shape, widths, activation)
        self.correction = CellCorrection(entry_shape[0], known, _CORRECTION, activation)
        self.codes = CodeFlow(latent, known, _HIDDEN, activation)

    def encode(self, showers: Showers) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ² of codes, `(B, L)` each."""
        mean, log_variance = self.encoder(torch.cat([showers.roots.flatten(1), showers.known], dim=1)).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 20)

    def decode(self, code: Tensor, known: Tensor) -> Cells:
        """Return what there is to know of the roots of cells."""
        cells: Cells = self.decoder(torch.cat([code, known], dim=1))
        return cells

    def make(self, latent: Tensor, noise: Tensor, known: Tensor) -> Tensor:
        """Return corrected roots of cells of codes that come from draws of N(0, 1), `(B, L)`."""
        code = self.codes.inverse(latent, known)
        return self.correct(drawn_cells(self.decode(code, known), noise), known)

    def correct(self, roots: Tensor, known: Tensor) -> Tensor:
        """Return corrected roots of cells."""
        corrected: Tensor = self.correction(roots, known)
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
