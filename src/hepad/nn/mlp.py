"""Plain multilayer perceptrons."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from hepad.nn.activations import activation as make_activation
from hepad.nn.sizes import check_sizes


def mlp(widths: Sequence[int], activation: str, dropout: float = 0.0) -> nn.Sequential:
    """Return linear layers of the given `widths`, input first, with a linear output.

    It acts on the last axis, so the same network serves `(B, F)` vectors and every slot of `(B, S, F)` events. There
    is no batch normalisation: empty slots would enter its statistics.

    Args:
        widths: sizes of the input, the hidden layers and the output.
        activation: name of the activation function after every layer but the last.
        dropout: probability of dropping a hidden unit.

    Raises:
        ValueError: a width below 1.

    >>> import torch
    >>> from hepad.nn import mlp
    >>> network = mlp([17, 16, 8], "relu")
    >>> network(torch.zeros(4, 17)).shape, network(torch.zeros(4, 5, 17)).shape
    (torch.Size([4, 8]), torch.Size([4, 5, 8]))
    """
    check_sizes(layers=widths)
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(n_in, n_out))
        if i < len(widths) - 2:
            layers.append(make_activation(activation))
            if dropout:
                layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
