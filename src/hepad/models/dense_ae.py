"""The dense autoencoder of single jets, and of volumes as vectors."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from torch import Tensor, nn

from hepad.core.schema import Structure
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn import DenseAutoencoderNet
from hepad.nn.dense import code_width, hidden_widths
from hepad.nn.trunks import OfShape

_HIDDEN_OF_VOLUMES: Final = (128,)
_LATENT_OF_VOLUMES: Final = 16


class DenseAutoencoder(ReconstructionModel):
    """Reconstructs a vector, or a volume, through a narrow code; see `DenseAutoencoderNet` for the network.

    The network starts with a batch norm where nothing else normalises the input (`normalizer: none`, the workshop's
    own way: raw input, raw target).

    Args:
        entry_shape: `(F,)`, or `(C, Z, Y, X)`, which is flattened.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        hidden: widths of the encoder's hidden layers, mirrored in the decoder; None for one about as wide as the
            features, and at least 16; 128 for volumes.
        latent: width of the code; None for half as many as features, 8 of 17; 16 for volumes.
        dropout: dropout probability before the code.
        activation: name of the activation function.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DenseAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"})
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> model.anomaly_score(Batch(torch.randn(4, 17))).shape
    torch.Size([4])
    >>> model.latent_network().latent_shape
    (8,)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "volume"})

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        dropout: float = 0.1,
        activation: str = "relu",
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        self.save_hyperparameters()
        # A batch norm behind a fitted normaliser would only add its batch noise: a batch with one electron in it is
        # scaled by that electron's own variance, in training but not in scoring.
        raw_input = normalizer == "none"
        n_features = math.prod(self.entry_shape)
        if len(self.entry_shape) > 1:
            # Of thousands of cells, most of which are empty, a layer as wide as they are would be millions of weights.
            hidden, latent = hidden or _HIDDEN_OF_VOLUMES, _LATENT_OF_VOLUMES if latent is None else latent
        hidden, latent = hidden_widths(hidden, n_features), code_width(latent, n_features)
        self.network = DenseAutoencoderNet(n_features, hidden, latent, dropout, activation, raw_input)

    def code(self, z: Tensor) -> Tensor:
        """Return the codes `(B, L)` of normalised entries."""
        code: Tensor = self.network.encoder(z.flatten(1))
        return code

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network."""
        return self.network.decoder if len(self.entry_shape) == 1 else OfShape(self.network.decoder, self.entry_shape)

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction `(B, *entry_shape)` of normalised entries."""
        reconstruction: Tensor = self.network(z.flatten(1))
        return reconstruction.reshape(z.shape)
