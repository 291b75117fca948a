"""The time-distributed autoencoder of whole events."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, distributed, nn

from hepad.core.batch import Batch
from hepad.core.schema import Structure
from hepad.models.base import eval_mode
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn import DenseAutoencoderNet
from hepad.nn.dense import code_width, hidden_widths
from hepad.nn.trunks import PerSlot


class TimeDistributedAutoencoder(ReconstructionModel):
    """One dense autoencoder shared by all jets of an event; the event's loss is what is trained on and scored.

    The slots of an event pass through the same network one by one (Keras calls that time-distributed), so the model
    does not know which jet is which. Jets see each other only through the event's loss, the mean over their elements.

    As the dense autoencoder's, the network starts with a batch norm where nothing else normalises the input.

    With `mask` empty slots take no part in anything: not in the normaliser's statistics, not in batch normalisation,
    not in the loss. An event without any jet has loss 0. Without it they are jets of zeros like all others, as in the
    AD4HEP workshop: the network learns to reconstruct zeros well, and an event of few jets scores low for that.

    Args:
        entry_shape: `(S, F)`.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        hidden: widths of the encoder's hidden layers, mirrored in the decoder; None for one about as wide as the
            features, and at least 16.
        latent: width of each jet's code; None for half as many as features, 8 of 17.
        dropout: dropout probability before the code.
        activation: name of the activation function.
        mask: leave empty slots out.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import TimeDistributedAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = TimeDistributedAutoencoder((8, 17), loss={"_target_": "hepad.losses.MSE"})
    >>> events, mask = torch.randn(64, 8, 17), torch.arange(8).expand(64, 8) < 3
    >>> model.prepare(Batch(events, mask))
    >>> model.anomaly_score(Batch(events, mask)).shape
    torch.Size([64])
    >>> model.latent_network().latent_shape
    (8, 8)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"set"})

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        dropout: float = 0.1,
        activation: str = "relu",
        mask: bool = True,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        self.save_hyperparameters()
        self.mask = mask
        n_features = self.entry_shape[-1]
        hidden, latent = hidden_widths(hidden, n_features), code_width(latent, n_features)
        self.network = DenseAutoencoderNet(
            n_features, hidden, latent, dropout, activation, input_norm=normalizer == "none"
        )

    def view(self, batch: Batch) -> Batch:
        """Return the batch, without its mask where empty slots count."""
        return batch if self.mask else batch._replace(mask=None)

    def code(self, z: Tensor) -> Tensor:
        """Return the codes `(B, S, L)` of all slots of normalised events."""
        code: Tensor = PerSlot(self.network.encoder)(z)
        return code

    def decoder(self) -> nn.Module:
        """Return the decoder of jets, applied to every slot."""
        return PerSlot(self.network.decoder)

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction `(B, S, F)` of normalised events; slots outside `mask` stay 0."""
        if mask is None:
            mask = z.new_ones(z.shape[:2], dtype=torch.bool)
        if torch.compiler.is_exporting():
            # Filled slots by their numbers, after one more: batch normalisation must know that there is one.
            slots, filled = z.flatten(0, 1), mask.flatten().nonzero().squeeze(1)
            jets = self.network(slots.index_select(0, torch.cat([filled.new_zeros(1), filled])))
            return torch.zeros_like(slots).index_put((filled,), jets[1:]).reshape(z.shape)
        reconstruction = torch.zeros_like(z)
        reconstruction[mask] = self._reconstruct_jets(z[mask]).to(z.dtype)
        return reconstruction

    def _reconstruct_jets(self, z: Tensor) -> Tensor:
        """Return the reconstruction `(J, F)` of the jets of all events."""
        if self.network.training and len(z) < 2 and not distributed.is_initialized():
            # A batch of fewer than two jets has no statistics of its own; the running ones stand in. Of several
            # processes all must take part in those of the whole batch.
            with eval_mode(self.network):
                return self._reconstruct_jets(z)
        jets: Tensor = self.network(z)
        return jets
