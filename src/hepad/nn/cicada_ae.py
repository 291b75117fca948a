"""The teacher autoencoder of CICADA, the CMS level-1 calorimeter trigger."""

from collections.abc import Sequence

from torch import Tensor, nn

from hepad.nn.dense import check_sizes, make_activation
from hepad.nn.phi_conv import PhiConv
from hepad.nn.trunks import Crop


class CicadaAutoencoderNet(nn.Module):
    """Two convolutions around an average over 2 × 2 regions, a dense code, and the way back.

    conv20 3×3 → average pool 2 → conv30 3×3 → dense 80 → dense 9·7·30 → conv30 3×3 → repeat 2 × 2 → conv20 3×3 →
    conv 3×3, each but the last followed by the activation: `TeacherAutoencoder` of CICADA (CMS DP-2023/086; code:
    github.com/Princeton-AD/cicada, models.py). Sizes follow the image; an odd last row or column is averaged alone,
    repeated, and cut back to size.

    Args:
        entry_shape: `(C, H, W)`.
        latent: width of the code.
        activation: name of the activation function.
        circular: convolutions are circular in φ (H); else zero-padded, as CICADA's.
    """

    def __init__(self, entry_shape: Sequence[int], latent: int, activation: str, circular: bool) -> None:
        super().__init__()
        check_sizes(latent=latent)
        channels, height, width = entry_shape
        small = (30, -(-height // 2), -(-width // 2))
        n_small = small[0] * small[1] * small[2]
        self.encoder = nn.Sequential(
            PhiConv(channels, 20, 3, circular),
            make_activation(activation),
            nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False),
            PhiConv(20, 30, 3, circular),
            make_activation(activation),
            nn.Flatten(),
            nn.Linear(n_small, latent),
            make_activation(activation),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, n_small),
            nn.Unflatten(1, small),
            make_activation(activation),
            PhiConv(30, 30, 3, circular),
            make_activation(activation),
            nn.Upsample(scale_factor=2),
            PhiConv(30, 20, 3, circular),
            make_activation(activation),
            PhiConv(20, channels, 3, circular),
            Crop(height, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction `(B, C, H, W)` of `x` `(B, C, H, W)`."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction
