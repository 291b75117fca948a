"""The convolutional autoencoder network of the AD4HEP workshop."""

import math
from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from hepad.nn.dense import make_activation
from hepad.nn.phi_conv import PhiConv, PhiConvTranspose
from hepad.nn.pooling import channel_dropout, maximum_of_blocks

_KERNELS: Final = {2: (7, 3, 5, 9, 5), 3: (5, 3, 3, 5, 3)}
"""Of images and of volumes: widths of the kernels, the first two down and the others up."""
SMALLEST: Final = {axes: widths[2] + widths[3] - 1 for axes, widths in _KERNELS.items()}
"""Pixels of images, 13, and cells of volumes, 7, along an axis: the transposed convolutions add all but one of them."""


class MaximumOverImage(nn.Module):
    """The largest pixel of each channel; pixels that share it share its gradient evenly.

    `nn.AdaptiveMaxPool2d(1)` gives the same values and the whole gradient to the first of equal pixels, by a backward
    pass that has no deterministic implementation on a GPU. Where equal pixels have equal neighbours, as in the empty
    part of an image, the layer before gets the same gradient either way.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, 1, 1)` for `x` `(B, C, H, W)`, and so of volumes."""
        return x.amax(dim=tuple(range(2, x.ndim)), keepdim=True)


class ConvAutoencoderNet(nn.Module):
    """Convolutions down to one number per channel, a dense layer, and transposed convolutions back up.

    [BN →] conv16 7×7 → max pool 2 → channel dropout → conv32 3×3 → maximum over the image → dense h·w·8 → transposed
    conv16 5×5 → transposed conv32 9×9 → conv 5×5, each but the last followed by the activation.

    The transposed convolutions are not padded and so add 4 and 8 columns: the dense layer makes a first image of
    w = W − 12 columns with 8 channels, and the size comes out exactly, without resizing or cropping. The same holds for
    rows, h = H − 12, unless φ is circular: then the first image has all h = H rows of the ring already. For the
    workshop's 16 × 16 × 5, not circular, this is its network, with its dense layer of 128 = 4·4·8; for the
    calorimeter's 18 × 14 regions the layer has 18·2·8 = 288 units.

    Volumes `(C, Z, Y, X)` go through the same layers in three dimensions, with kernels 5 and 3 down, 3, 5 and 3 up; the
    transposed ones add 6 cells along each axis.

    The maximum over the image forgets where things were. The code of 32 numbers says what an event holds, and the
    decoder draws the average image of such events.

    Args:
        entry_shape: `(C, H, W)`, or `(C, Z, Y, X)`.
        dropout: probability of dropping a whole channel.
        activation: name of the activation function.
        input_norm: start with a batch normalisation of the input, as the workshop did; else the input is normalised.
        circular: φ (H, or Y) is a ring; else images end there as they do in η, and are padded with zeros.

    Raises:
        ValueError: an image of fewer than 13 × 13 pixels, a volume of fewer than 7 cells along an axis, or an
            impossible dropout.
    """

    def __init__(
        self, entry_shape: Sequence[int], dropout: float, activation: str, circular: bool, input_norm: bool = False
    ) -> None:
        super().__init__()
        channels, *size = entry_shape
        axes = len(size)
        smallest = SMALLEST[axes]
        if min(size) < smallest:
            needed = f"{smallest} × {smallest} pixels" if axes == 2 else f"{smallest} cells along each axis"
            what = "images" if axes == 2 else "volumes"
            raise ValueError(f"{what} of {' × '.join(map(str, size))}; at least {needed} are needed")
        first = [n - smallest + 1 for n in size]
        if circular:
            first[-2] = size[-2]
        # With the settings of Keras, in which the workshop's network was written.
        norm = nn.BatchNorm3d if axes == 3 else nn.BatchNorm2d
        first_norm = [norm(channels, eps=1e-3, momentum=0.01)] if input_norm else []
        down_1, down_2, up_1, up_2, last = _KERNELS[axes]
        self.encoder = nn.Sequential(
            *first_norm,
            PhiConv(channels, 16, down_1, circular, axes),
            make_activation(activation),
            maximum_of_blocks(axes),
            channel_dropout(axes, dropout),
            PhiConv(16, 32, down_2, circular, axes),
            make_activation(activation),
            MaximumOverImage(),
            nn.Flatten(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(32, 8 * math.prod(first)),
            make_activation(activation),
            nn.Unflatten(1, (8, *first)),
            PhiConvTranspose(8, 16, up_1, circular, axes),
            make_activation(activation),
            PhiConvTranspose(16, 32, up_2, circular, axes),
            make_activation(activation),
            PhiConv(32, channels, last, circular, axes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of `x` `(B, *entry_shape)`."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction
