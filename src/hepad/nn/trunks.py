"""From an entry to a flat vector of features, and decoders of what networks call by other names."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hepad.nn.dense import growing_widths, make_activation, mlp
from hepad.nn.encoder_decoder import EncoderDecoder
from hepad.nn.phi_conv import PhiHalving


class DenseTrunk(nn.Module):
    """A perceptron on the flattened entry, every layer followed by the activation.

    Args:
        entry_shape: shape of one entry.
        hidden: widths of the layers, at least one.
        activation: name of the activation function.
    """

    def __init__(self, entry_shape: Sequence[int], hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.layers = nn.Sequential(*mlp([math.prod(entry_shape), *hidden], activation), make_activation(activation))
        self.width = hidden[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, width)` for `x` `(B, *entry_shape)`."""
        features: Tensor = self.layers(x.flatten(1))
        return features


class SetTrunk(nn.Module):
    """Σ over the real objects of φ(object), the same in every order of the objects (Zaheer et al., arXiv:1703.06114).

    The last feature of an object is its presence, 1 or 0; objects that are not there add nothing. The sum, unlike a
    mean or a maximum, tells how many objects there are.

    Args:
        entry_shape: `(S, F)`, the presence counted among the F.
        hidden: widths of φ's layers, at least one.
        activation: name of the activation function.
    """

    def __init__(self, entry_shape: Sequence[int], hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.phi = DenseTrunk(entry_shape[-1:], hidden, activation)
        self.width = hidden[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, width)` for `x` `(B, S, F)`."""
        objects = self.phi(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        total: Tensor = (objects * x[..., -1:]).sum(dim=1)
        return total


class ConvTrunk(nn.Module):
    """Convolutions of stride 2, each followed by the activation, then flattened.

    Args:
        entry_shape: `(C, H, W)`, or `(C, Z, Y, X)`.
        channels: channels of the convolutions, at least one; None for 32 in the first and twice as many in each after
            it, at most 256, until the shorter side is below 4 pixels: two for 18 × 14, five for 64 × 64.
        activation: name of the activation function.
        circular: φ (H, or Y) is a ring.

    Raises:
        ValueError: an image too small to be halved as often as there are channels.
    """

    def __init__(
        self, entry_shape: Sequence[int], channels: Sequence[int] | None, activation: str, circular: bool
    ) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        if channels is None:
            channels = growing_widths(32, n_halvings(size))
        shrunk = [n >> len(channels) for n in size]
        if min(shrunk) < 1:
            what = "images" if len(size) == 2 else "volumes"
            raise ValueError(f"{what} of {' × '.join(map(str, size))} cannot be halved {len(channels)} times")
        self.layers = nn.Sequential(
            *(
                nn.Sequential(PhiHalving(n_in, n_out, circular, len(size)), make_activation(activation))
                for n_in, n_out in pairwise([n_channels, *channels])
            ),
            nn.Flatten(),
        )
        self.width = channels[-1] * math.prod(shrunk)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, width)` for `x` `(B, *entry_shape)`."""
        features: Tensor = self.layers(x)
        return features


def n_halvings(size: Sequence[int]) -> int:
    """Return how often an image `(H, W)`, or a volume, is halved until a side is below 4 pixels, at least once.

    >>> n_halvings((18, 14)), n_halvings((40, 40)), n_halvings((64, 64))
    (2, 4, 5)
    """
    return max(1, min(size).bit_length() - 2)


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


class OfShape(nn.Module):
    """A network whose flat output is put into the shape of an entry.

    Args:
        network: maps `(B, N)` to `(B, M)`.
        shape: of an entry, of M numbers.
    """

    def __init__(self, network: nn.Module, shape: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, *shape)`."""
        flat: Tensor = self.network(x)
        return flat.reshape(-1, *self.shape)


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
    """Cut images or volumes to size, keeping the first rows and columns.

    Args:
        size: in pixels or cells, along each axis.
    """

    def __init__(self, *size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, *size)`."""
        return x[(..., *(slice(n) for n in self.size))]
