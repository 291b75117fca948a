"""The sparse autoencoder."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.schema import Structure
from hepad.losses.adversarial import kl_bernoulli
from hepad.losses.base import weighted_mean
from hepad.models.own_network import chosen_network
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.trunks import Decoder

SPARSITIES: Final = ("l1", "kl")


class SparseAutoencoder(ReconstructionModel):
    """An autoencoder whose code may be wider than its input, because only few units of it may be active.

    It minimises R + λ·Ω + λ₂·ΣW², with R the reconstruction loss, W the weight matrices and Ω

    | sparsity | code h | Ω |
    |---|---|---|
    | `l1` | ReLU | mean over entries of Σ_j h_j (h ≥ 0, so this is ‖h‖₁) |
    | `kl` | sigmoid | Σ_j KL(ρ ‖ ρ̂_j), ρ̂_j the mean of h_j over the batch (A. Ng, Stanford CS294A) |

    Without λ₂ the penalty `l1` can be dodged: a code half as large and a decoder with weights twice as large give the
    same reconstruction. For the same reason there is no batch normalisation after the code. The score is R.

    Args:
        entry_shape: shape of one entry.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        sparsity: `l1` or `kl`.
        sparsity_weight: λ.
        rate: ρ, the wished-for mean activation of a unit (`kl` alone).
        l2: λ₂.
        network: `dense`, `time_distributed`, `conv`, or `auto` by the shape of the entry;
            or the config `{_target_: …}` of a module of your own (`hepad.models.own_network`).
        hidden: widths of the encoder's layers (channels for `conv`), mirrored in the decoder; None for the network's
            own.
        latent: width of the code, per slot where time-distributed; more than the input is allowed.
        dropout: probability of dropping a hidden unit.
        activation: name of the hidden layers' activation function.
        circular: `conv` treats φ (H) as the ring it is.

    Raises:
        ValueError: an unknown sparsity or network, a rate outside (0, 1), a negative weight.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import SparseAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = SparseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}, latent=32)
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> model.anomaly_score(Batch(torch.randn(4, 17))).shape
    torch.Size([4])
    >>> model.latent_network().latent_shape
    (32,)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/mae", "val/reconstruction", "val/sparsity", "train/loss")

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        sparsity: str = "l1",
        sparsity_weight: float = 1e-2,
        rate: float = 0.05,
        l2: float = 1e-5,
        network: str | Mapping[str, Any] = "auto",
        hidden: Sequence[int] | None = None,
        latent: int = 32,
        dropout: float = 0.0,
        activation: str = "relu",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        if sparsity not in SPARSITIES:
            raise ValueError(f"sparsity {sparsity!r}; allowed: {', '.join(SPARSITIES)}")
        if not 0 < rate < 1:
            raise ValueError(f"rate={rate}; a mean activation between 0 and 1 is needed")
        if sparsity_weight < 0 or l2 < 0:
            raise ValueError(f"sparsity_weight={sparsity_weight}, l2={l2}; 0 or positive weights are needed")
        self.save_hyperparameters()
        self.sparsity = sparsity
        self.sparsity_weight = sparsity_weight
        self.rate = rate
        self.l2 = l2
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

    def code(self, z: Tensor) -> Tensor:
        """Return the code of normalised entries, `(B, L)` or `(B, S, L)`, not negative."""
        code = self.network.encode(z)
        return code.relu() if self.sparsity == "l1" else code.sigmoid()

    def limit_on_copying(self) -> None:
        """Return nothing: the code is meant to be wide, and few of its units are active."""
        return

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network."""
        return Decoder(self.network)

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction of normalised entries."""
        return self.network.decode(self.code(z))

    def penalty(self, code: Tensor, mask: Tensor | None = None, weight: Tensor | None = None) -> Tensor:
        """Return Ω of the codes of a batch, a single number; codes of empty slots do not count."""
        of_units = None if weight is None else weight.reshape(-1, *[1] * (code.ndim - 2)).expand(code.shape[:-1])
        if code.ndim == 3 and mask is not None:
            code, of_units = code[mask], None if of_units is None else of_units[mask]
        units = code.flatten(0, -2)
        if of_units is None:
            # A batch of events without any jet has no code to penalise.
            mean_activation = units.sum(dim=0) / max(len(units), 1)
        else:
            counted = of_units.reshape(-1, 1)
            mean_activation = (units * counted).sum(dim=0) / counted.sum().clamp(min=torch.finfo(code.dtype).tiny)
        return mean_activation.sum() if self.sparsity == "l1" else kl_bernoulli(self.rate, mean_activation).sum()

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return R + λ·Ω + λ₂·ΣW² of the batch."""
        reconstruction, sparsity, _ = self._parts(batch)
        loss = self.train_by(reconstruction + self.sparsity_weight * sparsity, batch, self.total_weight(batch))
        return loss + self.l2 * self.weight_norm()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log R + λ·Ω, both parts, and the mean absolute error."""
        reconstruction, sparsity, mae = self._parts(batch)
        size = self.total_weight(batch)
        self.validate_by(reconstruction + self.sparsity_weight * sparsity, batch, size)
        self.log("val/reconstruction", reconstruction, batch_size=size)
        self.log("val/sparsity", sparsity, batch_size=size)
        self.log("val/mae", mae, batch_size=size)

    def weight_norm(self) -> Tensor:
        """Return ΣW² over all weight matrices and kernels; biases are free."""
        layers = (module for module in self.network.modules() if isinstance(module, nn.Linear | nn.Conv2d))
        return torch.stack([layer.weight.square().sum() for layer in layers]).sum()

    def _parts(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        z = self.normalizer(batch.x, batch.mask)
        code = self.code(z)
        z_hat = self.network.decode(code)
        total = self.total_weight(batch)
        reconstruction = weighted_mean(self.loss(z_hat, z, batch.mask), batch.weight, total)
        mae = weighted_mean(self.mae(z_hat, z, batch.mask), batch.weight, total)
        return reconstruction, self.penalty(code, batch.mask, batch.weight), mae
