"""Wrappers that make a decoder of what a network calls by another name."""

import torch
from torch import Tensor, nn

from hepad.nn.encoder_decoder import EncoderDecoder


class Decoder(nn.Module):
    """The decoder's half of an encoder and decoder.

    Args:
        network: both halves.
    """

    def __init__(self, network: EncoderDecoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, code: Tensor) -> Tensor:
        """Return entries `(B, *entry_shape)` for codes `(B, *latent_shape)`."""
        return self.network.decode(code)


class PerSlot(nn.Module):
    """A network of vectors, applied to every slot of an event.

    Args:
        network: maps `(B, N)` to `(B, M)`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, S, M)` for `x` `(B, S, N)`."""
        slots: Tensor = self.network(x.flatten(0, 1))
        return slots.reshape(*x.shape[:2], -1)


class AtLeast(nn.Module):
    """A network whose output is cut off below.

    Args:
        network: the network.
        lowest: smallest value, broadcast against the output.
    """

    lowest: Tensor

    def __init__(self, network: nn.Module, lowest: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("lowest", lowest)

    def forward(self, x: Tensor) -> Tensor:
        """Return the network's output, nowhere below `lowest`."""
        return torch.maximum(self.network(x), self.lowest)


class Crop(nn.Module):
    """Cut images to size, keeping the first rows and columns.

    Args:
        height, width: the size, in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, height, width)`."""
        return x[..., : self.height, : self.width]
