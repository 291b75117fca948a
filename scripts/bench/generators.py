"""Generators of calorimeter images, with weights as they are drawn, that latent search is measured with."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

LATENT = 16


def _perceptron(*widths: int) -> nn.Module:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise((LATENT, *widths)):
        layers += [nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 252), nn.Unflatten(1, (1, 18, 14)))


def dense() -> nn.Module:
    """A perceptron with batch norms, 64 thousand weights."""
    return _perceptron(80, 112, 144)


def deep() -> nn.Module:
    """A deeper perceptron with batch norms, 61 thousand weights."""
    return _perceptron(64, 80, 96, 112, 96)


def convolutional(channels: Sequence[int] = (32, 24, 32)) -> nn.Module:
    """Transposed convolution, convolutions and batch norms, 54 thousand weights."""
    first, second, third = channels
    return nn.Sequential(
        nn.Linear(LATENT, first * 9 * 7),
        nn.Unflatten(1, (first, 9, 7)),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        nn.ConvTranspose2d(first, second, 4, 2, 1),
        nn.BatchNorm2d(second),
        nn.ReLU(),
        nn.Conv2d(second, third, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(third, 1, 3, padding=1),
    )


GENERATORS = {"dense": dense, "deep": deep, "convolutional": convolutional}
