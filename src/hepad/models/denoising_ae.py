"""The denoising autoencoder."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.gathering import draw_for_batch
from hepad.core.schema import Structure
from hepad.losses.base import weighted_mean
from hepad.models.own_network import chosen_network
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.dense import make_activation
from hepad.nn.networks import latent_size
from hepad.nn.trunks import Decoder

CORRUPTIONS: Final = ("gaussian", "dropout")


class DenoisingAutoencoder(ReconstructionModel):
    """Learns to undo noise on its input: the target is the clean entry (Vincent et al., ICML 2008).

    Noise is added to normalised entries, and only in training; scores are reconstruction losses of clean entries. It
    keeps a code as wide as the input, or wider, from learning to copy.

    Args:
        entry_shape: shape of one entry.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        corruption: `gaussian` adds normal noise of standard deviation `noise`; `dropout` sets each element to 0, its
            mean after `standard`, with probability `noise`, and does not rescale the others.
        noise: how much of it, in normalised units or as a probability.
        network: `dense`, `time_distributed`, `conv`, or `auto` by the shape of the entry;
            or the config `{_target_: …}` of a module of your own (`hepad.models.own_network`).
        hidden: widths of the encoder's layers (channels for `conv`), mirrored in the decoder; None for the network's
            own.
        latent: width of the code, per slot where time-distributed; None for half as many as features, 8 of 17, and for
            8 where a code stands for a whole event or image.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
        circular: `conv` treats φ (H) as the ring it is.

    Raises:
        ValueError: an unknown corruption or network, or an impossible amount of noise.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DenoisingAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = DenoisingAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}, noise=0.5)
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> jets = Batch(torch.randn(4, 17))
    >>> bool((model.anomaly_score(jets) == model.anomaly_score(jets)).all())
    True
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        corruption: str = "gaussian",
        noise: float = 0.3,
        network: str | Mapping[str, Any] = "auto",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        dropout: float = 0.0,
        activation: str = "relu",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        if corruption not in CORRUPTIONS:
            raise ValueError(f"corruption {corruption!r}; allowed: {', '.join(CORRUPTIONS)}")
        if noise < 0 or (corruption == "dropout" and noise >= 1):
            raise ValueError(f"noise={noise}; 0 or more is needed, and for dropout less than 1")
        self.save_hyperparameters()
        self.corruption = corruption
        self.noise = noise
        latent = latent_size(latent, network, self.entry_shape, part=2, of_whole=8)
        self.network = chosen_network(
            network,
            self.entry_shape,
            encoded=latent,
            latent=latent,
            hidden=hidden,
            activation=activation,
            dropout=dropout,
            circular=circular,
        )
        self.code_activation = make_activation(activation)

    def corrupt(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `z` with noise; empty slots stay empty. Where several processes train, each must call this."""
        if self.corruption == "gaussian":
            drawn = draw_for_batch(lambda shape: torch.randn_like(z.new_empty(shape)), z.shape, z.device)
            noisy = z + self.noise * drawn
        else:
            drawn = draw_for_batch(lambda shape: torch.rand_like(z.new_empty(shape)), z.shape, z.device)
            noisy = torch.where(drawn < self.noise, torch.zeros_like(z), z)
        return noisy if mask is None else torch.where(mask.unsqueeze(-1), noisy, torch.zeros_like(noisy))

    def code(self, z: Tensor) -> Tensor:
        """Return the codes of normalised entries, `(B, L)` or `(B, S, L)`."""
        code: Tensor = self.code_activation(self.network.encode(z))
        return code

    def limit_on_copying(self) -> str:
        """Return the noise, where there is any."""
        return f"only noise (model.noise={self.noise:g}) keeps" if self.noise else "nothing keeps"

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network."""
        return Decoder(self.network)

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction of normalised entries."""
        return self.network.decode(self.code(z))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean loss between what is made of noisy entries and the clean ones."""
        z, total = self.normalizer(batch.x, batch.mask), self.total_weight(batch)
        z_hat = self.reconstruct(self.corrupt(z, batch.mask), batch.mask)
        loss = weighted_mean(self.loss(z_hat, z, batch.mask), batch.weight, total)
        return self.train_by(loss, batch, total)
