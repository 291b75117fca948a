"""CICADA's teacher."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hepad.core.schema import Structure
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.cicada_ae import CicadaAutoencoderNet
from hepad.nn.trunks import AtLeast


class CicadaAutoencoder(ReconstructionModel):
    """The autoencoder that teaches the CMS calorimeter trigger CICADA; see `CicadaAutoencoderNet`.

    E_T is never negative, so the reconstruction is cut off at the normalised value of an empty pixel. Without a
    normaliser that is the ReLU with which CICADA's network ends. (`layer` has no such value, and no cut.)

    Args:
        entry_shape: `(C, H, W)`.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        latent: width of the code.
        activation: name of the activation function.
        circular: treat φ (H) as the ring it is; CICADA pads with zeros.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import CicadaAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = CicadaAutoencoder((1, 18, 14), loss={"_target_": "hepad.losses.MSE"})
    >>> model.prepare(Batch(torch.rand(64, 1, 18, 14)))
    >>> model.anomaly_score(Batch(torch.rand(4, 1, 18, 14))).shape
    torch.Size([4])
    >>> model.latent_network().latent_shape
    (80,)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"image"})

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        latent: int = 80,
        activation: str = "relu",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        self.save_hyperparameters()
        self.network = CicadaAutoencoderNet(self.entry_shape, latent, activation, circular)

    def code(self, z: Tensor) -> Tensor:
        """Return the codes `(B, L)` of normalised images."""
        code: Tensor = self.network.encoder(z)
        return code

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network, with the cut-off."""
        decoder = self.network.decoder
        if self.normalizer.kind == "layer":
            return decoder
        return AtLeast(decoder, self.normalizer(torch.zeros(1, *self.entry_shape, device=self.device)))

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction `(B, C, H, W)` of normalised images, nowhere below an empty pixel."""
        reconstruction: Tensor = self.network(z)
        if self.normalizer.kind == "layer":
            return reconstruction
        return torch.maximum(reconstruction, self.normalizer(torch.zeros_like(z[:1])))
