"""Networks without biases, for which no setting of the weights maps every entry to one point."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.trunks import ConvTrunk, DenseTrunk, n_halvings

BOUNDED: Final = ("tanh",)
"""Activations that are constant far out, and there a bias."""

_HIDDEN: Final = (64, 32)
_MOST_CHANNELS: Final = 128


class BallNetwork(nn.Module):
    """A trunk of features and a linear map of them, all without biases.

    Entries of sets are the mean over their objects, each through the same trunk; an empty set is 0.

    Args:
        trunk: the features of an entry, or of an object of a set.
        latent: dimensions of the output.
        of_sets: entries are sets.
    """

    def __init__(self, trunk: DenseTrunk | ConvTrunk, latent: int, of_sets: bool) -> None:
        super().__init__()
        self.trunk, self.of_sets = trunk, of_sets
        self.head = nn.Linear(trunk.width, latent)
        for part in self.modules():
            if isinstance(part, nn.Linear | nn.Conv2d | nn.Conv3d):
                part.bias = None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B, latent)` for entries, the objects `(B, S, F)` of which count where `mask` `(B, S)` is true."""
        if not self.of_sets:
            output: Tensor = self.head(self.trunk(x))
            return output
        objects = self.trunk(x.flatten(0, 1)).reshape(*x.shape[:2], -1)
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        real = mask.unsqueeze(-1)
        pooled = torch.where(real, objects, torch.zeros_like(objects)).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        of_set: Tensor = self.head(pooled)
        return of_set


def ball_network(
    entry_shape: Sequence[int], hidden: Sequence[int] | None, latent: int, activation: str, circular: bool
) -> BallNetwork:
    """Return the network of such entries: a perceptron of vectors, one for the objects of sets, convolutions of images.

    Args:
        entry_shape: shape of one entry.
        hidden: widths, for images channels; None for 64 and 32, for images `default_channels`.
        latent: dimensions of the output.
        activation: name of the activation function.
        circular: φ (H) of images is a ring.
    """
    if len(entry_shape) > 2:
        hidden = hidden or default_channels(entry_shape[1:])
        return BallNetwork(ConvTrunk(entry_shape, hidden, activation, circular), latent, False)
    trunk = DenseTrunk(entry_shape[-1:], hidden or _HIDDEN, activation)
    return BallNetwork(trunk, latent, len(entry_shape) == 2)


def default_channels(size: Sequence[int]) -> list[int]:
    """Return the channels for images `(H, W)`, each twice those before: 32 and 64 of two, the last of more 128.

    A ball needs few of them, and large images spend most of the time where they are large.

    >>> default_channels((18, 14)), default_channels((40, 40))
    ([32, 64], [16, 32, 64, 128])
    """
    n = n_halvings(size)
    last = min(_MOST_CHANNELS, 32 << (n - 1))
    return [max(1, last >> (n - 1 - i)) for i in range(n)]
