"""The convolutional autoencoder network of the AD4HEP workshop."""

from collections.abc import Sequence
from typing import Final

from torch import Tensor, nn

from hepad.nn.dense import make_activation
from hepad.nn.phi_conv import PhiConv2d, PhiConvTranspose2d

SMALLEST: Final = 13
"""The two transposed convolutions add 4 and 8 pixels to a first image of at least one."""


class MaximumOverImage(nn.Module):
    """The largest pixel of each channel; pixels that share it share its gradient evenly.

    `nn.AdaptiveMaxPool2d(1)` gives the same values and the whole gradient to the first of equal pixels, by a backward
    pass that has no deterministic implementation on a GPU. Where equal pixels have equal neighbours, as in the empty
    part of an image, the layer before gets the same gradient either way.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return `(B, C, 1, 1)` for `x` `(B, C, H, W)`."""
        return x.amax(dim=(2, 3), keepdim=True)


class ConvAutoencoderNet(nn.Module):
    """Convolutions down to one number per channel, a dense layer, and transposed convolutions back up.

    [BN →] conv16 7×7 → max pool 2 → channel dropout → conv32 3×3 → maximum over the image → dense h·w·8 → transposed
    conv16 5×5 → transposed conv32 9×9 → conv 5×5, each but the last followed by the activation.

    The transposed convolutions are not padded and so add 4 and 8 columns: the dense layer makes a first image of
    w = W − 12 columns with 8 channels, and the size comes out exactly, without resizing or cropping. The same holds for
    rows, h = H − 12, unless φ is circular: then the first image has all h = H rows of the ring already. For the
    workshop's 16 × 16 × 5, not circular, this is its network, with its dense layer of 128 = 4·4·8; for the
    calorimeter's 18 × 14 regions the layer has 18·2·8 = 288 units.

    The maximum over the image forgets where things were. The code of 32 numbers says what an event holds, and the
    decoder draws the average image of such events.

    Args:
        entry_shape: `(C, H, W)`.
        dropout: probability of dropping a whole channel.
        activation: name of the activation function.
        input_norm: start with a batch normalisation of the input, as the workshop did; else the input is normalised.
        circular: φ (H) is a ring; else images end there as they do in η, and are padded with zeros.

    Raises:
        ValueError: an image of fewer than 13 × 13 pixels, or an impossible dropout.
    """

    def __init__(
        self, entry_shape: Sequence[int], dropout: float, activation: str, circular: bool, input_norm: bool = False
    ) -> None:
        super().__init__()
        channels, height, width = entry_shape
        if min(height, width) < SMALLEST:
            raise ValueError(f"images of {height} × {width}; at least {SMALLEST} × {SMALLEST} pixels are needed")
        first = (8, height if circular else height - SMALLEST + 1, width - SMALLEST + 1)
        # With the settings of Keras, in which the workshop's network was written.
        first_norm = [nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)] if input_norm else []
        self.encoder = nn.Sequential(
            *first_norm,
            PhiConv2d(channels, 16, 7, circular),
            make_activation(activation),
            nn.MaxPool2d(2),
            nn.Dropout2d(dropout),
            PhiConv2d(16, 32, 3, circular),
            make_activation(activation),
            MaximumOverImage(),
            nn.Flatten(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(32, first[0] * first[1] * first[2]),
            make_activation(activation),
            nn.Unflatten(1, first),
            PhiConvTranspose2d(8, 16, 5, circular),
            make_activation(activation),
            PhiConvTranspose2d(16, 32, 9, circular),
            make_activation(activation),
            PhiConv2d(32, channels, 5, circular),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction `(B, C, H, W)` of `x` `(B, C, H, W)`."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction
