"""The convolutional autoencoder of the AD4HEP workshop."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from hepad.core.schema import Structure
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.conv_ae import ConvAutoencoderNet


class ConvAutoencoder(ReconstructionModel):
    """Reconstructs an image or a volume from 32 numbers that do not say where things are; see `ConvAutoencoderNet`.

    The network starts with a batch norm where nothing else normalises the input (`normalizer: none`, the workshop's own
    way: raw input, raw target).

    Args:
        entry_shape: `(C, H, W)`, or `(C, Z, Y, X)`.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        dropout: probability of dropping a whole channel.
        activation: name of the activation function.
        circular: treat φ (H, or Y) as the ring it is.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import ConvAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = ConvAutoencoder((1, 18, 14), loss={"_target_": "hepad.losses.SSIM"})
    >>> model.prepare(Batch(torch.rand(64, 1, 18, 14)))
    >>> model.anomaly_score(Batch(torch.rand(4, 1, 18, 14))).shape
    torch.Size([4])
    >>> model.latent_network().latent_shape
    (32,)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"image", "volume"})

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        dropout: float = 0.2,
        activation: str = "leaky_relu",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        self.save_hyperparameters()
        self.network = ConvAutoencoderNet(
            self.entry_shape, dropout, activation, circular, input_norm=normalizer == "none"
        )

    def code(self, z: Tensor) -> Tensor:
        """Return the codes `(B, L)` of normalised entries."""
        code: Tensor = self.network.encoder(z)
        return code

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network."""
        return self.network.decoder

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction `(B, *entry_shape)` of normalised entries."""
        reconstruction: Tensor = self.network(z)
        return reconstruction
