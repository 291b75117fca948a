"""The two students of CICADA: networks small enough for the CMS level-1 trigger (CMS DP-2023/086)."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from hepad.nn.activations import activation as make_activation
from hepad.nn.mlp import mlp
from hepad.nn.sizes import check_sizes


class DenseStudent(nn.Module):
    """A perceptron on the flattened entry; with `hidden=[16]`, CICADA's first student, 252 → 16 → 1.

    CICADA's last ReLU is left out: the output is in standard units, which may be negative.

    Args:
        entry_shape: shape of one entry.
        hidden: widths of the hidden layers.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
    """

    def __init__(self, entry_shape: Sequence[int], hidden: Sequence[int], dropout: float, activation: str) -> None:
        super().__init__()
        self.layers = mlp([math.prod(entry_shape), *hidden, 1], activation, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for `x` `(B, *entry_shape)`; empty slots are zeros already."""
        output: Tensor = self.layers(x.flatten(1))
        return output.squeeze(-1)


class ConvStudent(nn.Module):
    """A 2 × 2 convolution of stride 2, then a perceptron; CICADA's second student has 4 filters and 16 units.

    Args:
        entry_shape: `(C, H, W)`; an odd last row or column is left out.
        filters: number of 2 × 2 filters, without bias.
        hidden: widths of the hidden layers.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
    """

    def __init__(
        self, entry_shape: Sequence[int], filters: int, hidden: Sequence[int], dropout: float, activation: str
    ) -> None:
        super().__init__()
        check_sizes(filters=filters, hidden=hidden)
        channels, height, width = entry_shape
        self.conv = nn.Conv2d(channels, filters, kernel_size=2, stride=2, bias=False)
        self.activation = make_activation(activation)
        self.layers = mlp([filters * (height // 2) * (width // 2), *hidden, 1], activation, dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for images `x` `(B, C, H, W)`; images have no slots to mask."""
        output: Tensor = self.layers(self.activation(self.conv(x)).flatten(1))
        return output.squeeze(-1)
