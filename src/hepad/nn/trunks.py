"""From an entry to a flat vector of features: the first part of discriminators and encoders."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from hepad.nn.activations import activation as make_activation
from hepad.nn.mlp import mlp
from hepad.nn.phi_conv import PhiHalving
from hepad.nn.sizes import growing_widths


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
        entry_shape: `(C, H, W)`.
        channels: channels of the convolutions, at least one; None for 32 in the first and twice as many in each after
            it, at most 256, until the shorter side is below 4 pixels: two for 18 × 14, five for 64 × 64.
        activation: name of the activation function.
        circular: φ (H) is a ring.

    Raises:
        ValueError: an image too small to be halved as often as there are channels.
    """

    def __init__(
        self, entry_shape: Sequence[int], channels: Sequence[int] | None, activation: str, circular: bool
    ) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        if channels is None:
            channels = growing_widths(32, max(1, min(size).bit_length() - 2))
        shrunk = [n >> len(channels) for n in size]
        if min(shrunk) < 1:
            raise ValueError(f"images of {size[0]} × {size[1]} cannot be halved {len(channels)} times")
        self.layers = nn.Sequential(
            *(
                nn.Sequential(PhiHalving(n_in, n_out, circular), make_activation(activation))
                for n_in, n_out in pairwise([n_channels, *channels])
            ),
            nn.Flatten(),
        )
        self.width = channels[-1] * shrunk[0] * shrunk[1]

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, width)` for `x` `(B, C, H, W)`."""
        features: Tensor = self.layers(x)
        return features
