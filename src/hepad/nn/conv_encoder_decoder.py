"""Convolutional encoder and decoder of images and volumes."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from hepad.nn.dense import make_activation
from hepad.nn.encoder_decoder import EncoderDecoder
from hepad.nn.phi_conv import PhiConv
from hepad.nn.pooling import channel_dropout, mean_of_blocks


class ConvEncoderDecoder(EncoderDecoder):
    """Convolutions with halving of the image after each, a linear code, and the way back.

    Each stage of the encoder is a 3 × 3 convolution, the activation and an average over 2 × 2 regions (an odd last row
    or column is averaged alone); the decoder repeats regions back to the size that each stage had.

    Args:
        entry_shape: `(C, H, W)`, or `(C, Z, Y, X)`, of which everything is in three dimensions.
        encoded: width E of the encoder's output.
        latent: width L of the decoder's input.
        channels: channels of the encoder's stages, mirrored in the decoder.
        activation: name of the activation function.
        dropout: probability of dropping a whole channel.
        circular: convolutions are circular in φ (H, or Y); else zero-padded.
    """

    def __init__(
        self,
        entry_shape: Sequence[int],
        encoded: int,
        latent: int,
        channels: Sequence[int],
        activation: str,
        dropout: float,
        circular: bool,
    ) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        axes = len(size)
        widths = [n_channels, *channels]
        self.sizes = [tuple(size)]
        for _ in channels:
            self.sizes.append(tuple(-(-n // 2) for n in self.sizes[-1]))
        self.down = nn.ModuleList(
            nn.Sequential(
                PhiConv(n_in, n_out, 3, circular, axes),
                make_activation(activation),
                channel_dropout(axes, dropout),
                mean_of_blocks(axes),
            )
            for n_in, n_out in pairwise(widths)
        )
        self.up = nn.ModuleList(
            nn.Sequential(make_activation(activation), PhiConv(n_in, n_out, 3, circular, axes))
            for n_in, n_out in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.smallest = (widths[-1], *self.sizes[-1])
        n_flat = math.prod(self.smallest)
        self.to_code = nn.Linear(n_flat, encoded)
        self.from_code = nn.Linear(latent, n_flat)

    def encode(self, z: Tensor) -> Tensor:
        """Return `(B, E)`."""
        for stage in self.down:
            z = stage(z)
        code: Tensor = self.to_code(z.flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Return `(B, *entry_shape)`."""
        x: Tensor = self.from_code(code).reshape(-1, *self.smallest)
        for stage, size in zip(self.up, self.sizes[-2::-1], strict=True):
            x = stage(F.interpolate(x, size=size, mode="nearest"))
        return x
