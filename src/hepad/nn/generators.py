"""From a code to an entry: the generators of adversarial models.

Plain networks without batch normalisation: an entry depends on its own code alone, in either mode.
"""

import math
from collections.abc import Sequence
from itertools import pairwise, zip_longest
from typing import Final

import torch
from torch import Tensor, nn

from hepad.nn.dense import growing_widths, halved_sizes, make_activation, mlp
from hepad.nn.phi_conv import PhiConv, PhiDoubling
from hepad.nn.trunks import Crop

_SMALLEST: Final = 7


class DenseGenerator(nn.Module):
    """A perceptron from the code to the flattened entry.

    Args:
        latent: width L of the code.
        entry_shape: shape of one entry.
        hidden: widths of the hidden layers.
        activation: name of the activation function.
    """

    def __init__(self, latent: int, entry_shape: Sequence[int], hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        self.layers = mlp([latent, *hidden, math.prod(entry_shape)], activation)

    def forward(self, code: Tensor) -> Tensor:
        """Return entries `(B, *entry_shape)` for codes `(B, L)`."""
        entries: Tensor = self.layers(code)
        return entries.reshape(*entries.shape[:-1], *self.entry_shape)


class EventGenerator(nn.Module):
    """A perceptron from the code to the objects of an event and to which of them are there.

    Each slot's last number says whether it holds an object: 1 or 0, the sign of what the network gives. Its gradient is
    that of the sigmoid (straight-through estimator: Bengio et al., arXiv:1308.3432). Numbers in between would tell a
    discriminator at once which events are made up. Slots come as in the data, by falling first feature (pT), the
    empty ones last and all 0.

    Args:
        latent: width L of the code.
        entry_shape: `(S, F)` with the presence counted among the F.
        hidden: widths of the hidden layers.
        activation: name of the activation function.
    """

    def __init__(self, latent: int, entry_shape: Sequence[int], hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.dense = DenseGenerator(latent, entry_shape, hidden, activation)

    def forward(self, code: Tensor) -> Tensor:
        """Return events `(B, S, F)` for codes `(B, L)`."""
        slots = self.dense(code)
        objects, logits = slots[..., :-1], slots[..., -1:]
        soft = logits.sigmoid()
        present = (logits > 0).to(soft) + (soft - soft.detach())
        events = torch.cat([objects * present, present], dim=-1)
        return sort_slots(events)


def sort_slots(events: Tensor) -> Tensor:
    """Return events `(B, S, F)` with their slots by falling first feature, those whose last feature is 0 at the end."""
    absent = events[..., -1].detach() < 0.5
    key = torch.where(absent, torch.inf, -events[..., 0].detach())
    order = key.argsort(dim=-1, stable=True).unsqueeze(-1)
    return torch.take_along_dim(events, order, dim=-2)


def filled_by_pt(x: Tensor, mask: Tensor) -> Tensor:
    """Return made-up objects `(B, S, F)` that `mask` `(B, S)` keeps, by falling first feature, and zeros."""
    x = torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x))
    return sort_slots(torch.cat([x, mask.unsqueeze(-1)], dim=-1))[..., :-1]


class ObjectsOnly(nn.Module):
    """An event generator without the feature that says which slots are there: entries of the data's own shape.

    Args:
        generator: an `EventGenerator`.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, code: Tensor) -> Tensor:
        """Return events `(B, S, F)`, empty slots 0, for codes `(B, L)`."""
        events: Tensor = self.generator(code)
        return events[..., :-1]


class ConvGenerator(nn.Module):
    """A dense layer to a small image, transposed convolutions that double it, and a last convolution.

    Each step from one number of channels to the next doubles the image; what is doubled beyond an odd size is cut off.
    The network is as deep as the image is large: doublings begin where the shorter side is at most 7 pixels, so that
    18 × 14 regions grow from 9 × 7 in one, 64 × 64 pixels from 4 × 4 in four, 72 × 58 from 5 × 4. A shallower one would
    have to draw all of a large image in its dense layer. With fewer `channels` the small image is larger; further steps
    are 3 × 3 convolutions. Pixels never fall below `lowest`: most regions of a calorimeter hold exactly nothing, and a
    linear output never would.

    Args:
        latent: width L of the code.
        entry_shape: `(C, H, W)`, or `(C, Z, Y, X)`.
        channels: channels of the small image and after each step; None for 16 in the last and twice as many in each
            before it, at most 256.
        activation: name of the activation function.
        circular: φ (H, or Y) is a ring.

    Attributes:
        lowest: `(C, 1, 1)`, or `(C, 1, 1, 1)`, the smallest pixel of each channel, to be set to that of the data.
    """

    lowest: Tensor

    def __init__(
        self,
        latent: int,
        entry_shape: Sequence[int],
        channels: Sequence[int] | None,
        activation: str,
        circular: bool,
    ) -> None:
        super().__init__()
        n_channels, *size = entry_shape
        axes = len(size)
        sizes = halved_sizes(size, _SMALLEST)
        if channels is None:
            channels = growing_widths(16, max(2, len(sizes)))[::-1]
        smallest, *larger = sizes[: len(channels)][::-1]
        layers: list[nn.Module] = [
            nn.Linear(latent, channels[0] * math.prod(smallest)),
            nn.Unflatten(1, (channels[0], *smallest)),
            make_activation(activation),
        ]
        reached = smallest
        for (n_in, n_out), wanted in zip_longest(pairwise(channels), larger):
            if wanted is None:
                layers += [PhiConv(n_in, n_out, 3, circular, axes), make_activation(activation)]
                continue
            layers += [PhiDoubling(n_in, n_out, circular, axes), make_activation(activation)]
            if wanted != tuple(2 * n for n in reached):
                layers.append(Crop(*wanted))
            reached = wanted
        self.layers = nn.Sequential(*layers, PhiConv(channels[-1], n_channels, 3, circular, axes))
        self.register_buffer("lowest", torch.full((n_channels, *[1] * axes), -torch.inf))

    def forward(self, code: Tensor) -> Tensor:
        """Return entries `(B, *entry_shape)` for codes `(B, L)`."""
        image: Tensor = self.layers(code)
        return torch.maximum(image, self.lowest)
