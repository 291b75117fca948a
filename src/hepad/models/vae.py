"""The variational autoencoder."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import Diagnostic, GeneratedEntries
from hepad.core.errors import UserError
from hepad.core.gathering import draw_for_batch
from hepad.core.schema import Structure
from hepad.losses.adversarial import kl_to_unit_normal, summed_codes
from hepad.losses.base import weighted_mean
from hepad.models.capabilities import is_histogram
from hepad.models.decoded_draws import decoded_draws, decoded_like
from hepad.models.fixed_point import (
    LOG_VARIANCE_BOUND,
    fixed_point_code,
    fixed_point_forward,
    fixed_point_score,
    folded_encoder,
    start_fixed_point,
)
from hepad.models.own_network import chosen_network
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.context import ContextScale
from hepad.nn.folding import FoldedLayer
from hepad.nn.networks import latent_size
from hepad.nn.trunks import Decoder

SCORES: Final = ("reconstruction", "kl", "mu2", "elbo")

_SHOWN = 2000
_SLOT_COUNTS: Final = "slot_counts"


class VariationalAutoencoder(ReconstructionModel):
    """Encodes an entry as a normal distribution N(μ, σ²) and decodes a draw from it (Kingma and Welling, 1312.6114).

    It minimises D·R + β·KL per entry, with R the reconstruction loss (a mean over the D elements of the entry) and
    KL = ½Σ(μ² + σ² − ln σ² − 1) summed over the code. With the MSE this is −ELBO, up to constants and a common
    factor, for a normal decoder of variance β/2: β is the price of a bit, in units of squared error (β-VAE: Higgins
    et al., ICLR 2017). What is logged is divided by D, to be of the size of R.

    Scores are computed from μ, without any random draw:

    | score | value |
    |---|---|
    | `reconstruction` | R of the decoded μ |
    | `kl` | KL |
    | `mu2` | Σμ², the part of KL that needs no σ; what the CMS level-1 trigger AXOL1TL computes (CMS DP-2023/079) |
    | `elbo` | D·R + β·KL, with R of the decoded μ |

    With a context c (`data.context`) the decoder is given it beside the code, in standard units: it models p(x given
    c), and makes up entries of a context that is asked for (Sohn et al., NeurIPS 28 (2015)). The encoder reads an entry
    alone, as without; what the decoder is told already costs KL for nothing, and leaves the code.

    Where the network is time-distributed every slot has a code of its own, and empty slots count for nothing.

    Args:
        entry_shape: shape of one entry.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        network: `dense` (on the flattened entry), `time_distributed`, `conv`, or `auto` by the shape of the entry;
            or the config `{_target_: …}` of a module of your own (`hepad.models.own_network`).
        hidden: widths of the encoder's layers (channels for `conv`), mirrored in the decoder; None for the network's
            own.
        latent: number of latent variables, per slot where time-distributed; None for a quarter of the features, 4 of
            17, and for 4 where a code stands for a whole event or image.
        beta: weight of KL.
        score: one of the above.
        dropout: probability of dropping a hidden unit.
        activation: name of the activation function.
        circular: `conv` treats φ (H) as the ring it is.
        context_size: number K of observables that it is conditioned on.
        bits: of weights and results of the encoder, in which it is trained and Σμ² is scored as firmware does
            (`FixedPointForward`); None for floats. `encode` and `code` then return what is not rounded.
        input_bits: of the shifted input, where `bits` are given.
        score_bits: of the score and of biases, where `bits` are given.
        headroom: bits above the largest results of training entries, where `bits` are given; below 0, results saturate.

    Raises:
        ValueError: an unknown score or network, a β below 0, or a part that has no fixed-point form, where `bits` are
            given.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import VariationalAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = VariationalAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}, beta=0.5)
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> model.anomaly_score(Batch(torch.randn(4, 17))).shape
    torch.Size([4])
    >>> list(model.score_parts(Batch(torch.randn(4, 17))))
    ['reconstruction', 'kl', 'mu2', 'elbo']
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})
    unit_normal_prior: ClassVar[bool] = True
    context_use = "condition"
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/mae", "val/reconstruction", "val/kl", "train/loss")

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        network: str | Mapping[str, Any] = "auto",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        beta: float = 1.0,
        score: str = "elbo",
        dropout: float = 0.0,
        activation: str = "relu",
        circular: bool = True,
        context_size: int = 0,
        bits: int | None = None,
        input_bits: int = 16,
        score_bits: int = 16,
        headroom: int = -2,
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        if beta < 0:
            raise ValueError(f"beta={beta}; 0 or a positive weight is needed")
        self.save_hyperparameters()
        self.beta = beta
        self.score = score
        self.slot_counts: list[float] | None = None
        self.context_size = context_size
        # No part of a model without: its checkpoints are those of before.
        self.context = ContextScale(context_size) if context_size else None
        self.latent = latent_size(latent, network, self.entry_shape, part=4, of_whole=4)
        self.network = chosen_network(
            network,
            self.entry_shape,
            encoded=2 * self.latent,
            latent=self.latent + context_size,
            hidden=hidden,
            activation=activation,
            dropout=dropout,
            circular=circular,
        )
        self.fixed_point = fixed_point_forward(self, bits, input_bits, score_bits, headroom, dropout)

    def folded(self, powers: Tensor) -> list[FoldedLayer]:
        """Return the layers from raw entries to Σμ², of which firmware is made (`hepad.nn.folding`).

        Raises:
            ValueError: another score or network.
        """
        return folded_encoder(self, powers)

    def encode_entries(self, batch: Batch, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ² of a batch with normalised entries `z`, in fixed-point numbers where it has any."""
        return self.encode(z) if self.fixed_point is None else fixed_point_code(self, batch)

    def encode(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return μ and ln σ² of normalised entries, each `(B, L)`, or `(B, S, L)` where time-distributed."""
        mean, log_variance = self.network.encode(z).chunk(2, dim=-1)
        return mean, log_variance.clamp(-LOG_VARIANCE_BOUND, LOG_VARIANCE_BOUND)

    def code(self, z: Tensor) -> Tensor:
        """Return μ of normalised entries, `(B, L)` or `(B, S, L)`."""
        return self.encode(z)[0]

    def limit_on_copying(self) -> str:
        """Return the price of a code, where it has one."""
        return f"only KL (model.beta={self.beta:g}) keeps" if self.beta else "nothing keeps"

    def decoder(self) -> nn.Module:
        """Return the decoder's half of the network."""
        return Decoder(self.network)

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the decoded μ of normalised entries without a context."""
        return self.decode(self.encode(z)[0], None)

    def reconstruct_batch(self, z: Tensor, batch: Batch) -> Tensor:
        """Return the decoded μ of the normalised entries of a batch."""
        return self.decode(self.encode_entries(batch, z)[0], batch.context)

    def decode(self, code: Tensor, context: Tensor | None) -> Tensor:
        """Return normalised entries of codes `(B, L)` or `(B, S, L)` and, if the model has one, a context `(B, K)`."""
        if self.context is None:
            return self.network.decode(code)
        given = self.context(context).to(code.dtype)
        given = given.view(len(code), *[1] * (code.ndim - 2), -1).expand(*code.shape[:-1], -1)
        return self.network.decode(torch.cat([code, given], dim=-1))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the mean of (D·R + β·KL) / D, with R of a code drawn at random."""
        z, total = self.normalizer(batch.x, batch.mask), self.total_weight(batch)
        mean, log_variance = self.encode_entries(batch, z)
        noise = draw_for_batch(lambda shape: torch.randn_like(mean.new_empty(shape)), mean.shape, mean.device)
        loss = weighted_mean(self._objective(batch, z, mean, log_variance, noise)[0], batch.weight, total)
        return self.train_by(loss, batch, total)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the objective and its two parts, with the same random numbers in every epoch, and the error of μ."""
        z = self.normalizer(batch.x, batch.mask)
        mean, log_variance = self.encode_entries(batch, z)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(batch_idx)).to(mean)
        objective, reconstruction, kl = self._objective(batch, z, mean, log_variance, noise)
        mae = self.mae(self.decode(mean, batch.context), z, batch.mask)
        total = self.total_weight(batch)
        self.validate_by(weighted_mean(objective, batch.weight, total), batch, total)
        for name, values in {"reconstruction": reconstruction, "kl": kl, "mae": mae}.items():
            self.log(f"val/{name}", weighted_mean(values, batch.weight, total), batch_size=total)

    def _objective(
        self, batch: Batch, z: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(D·R + β·KL) / D_max, R and KL of each entry, `(B,)` each, for the code μ + σ·noise."""
        z_hat = self.decode(mean + (0.5 * log_variance).exp() * noise, batch.context)
        reconstruction: Tensor = self.loss(z_hat, z, batch.mask)
        kl = summed_codes(kl_to_unit_normal(mean, log_variance), batch.mask)
        size = math.prod(self.entry_shape)
        return (self._n_elements(batch) * reconstruction + self.beta * kl) / size, reconstruction, kl

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return every score of `SCORES`, `(B,)` each, in the mode the model is in; `score` chooses one."""
        z = self.normalizer(batch.x, batch.mask)
        mean, log_variance = self.encode_entries(batch, z)
        reconstruction: Tensor = self.loss(self.decode(mean, batch.context), z, batch.mask)
        kl = summed_codes(kl_to_unit_normal(mean, log_variance), batch.mask)
        parts = {
            "reconstruction": reconstruction,
            "kl": kl,
            "mu2": summed_codes(mean.square(), batch.mask)
            if self.fixed_point is None
            else fixed_point_score(self, batch),
            "elbo": self._n_elements(batch) * reconstruction + self.beta * kl,
        }
        return parts if self.fixed_point is None else parts | {"mu2": fixed_point_score(self, batch)}

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores chosen by `score`."""
        return self.score_parts(batch)[self.score]

    def contributions(self, batch: Batch) -> Tensor | None:
        """Return the terms of the reconstruction loss, where that is the score; see `Explaining`."""
        return self.loss_terms(batch) if self.score == "reconstruction" else None

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return the scores, all that could be chosen, and the reconstruction losses whatever the score is."""
        found = super().test_step(batch, batch_idx, dataloader_idx)
        return {**found, "loss": found["part/reconstruction"]}

    def prepare(self, train: Batch) -> None:
        """Fit normaliser and loss, and count how many slots the training events fill, which no code says."""
        super().prepare(train)
        if self.fixed_point is not None:
            start_fixed_point(self, train)
        if self.context is not None:
            self.context.fit(train.context)
        if len(self.entry_shape) == 2:
            n_slots = self.entry_shape[0]
            filled = torch.full((len(train.x),), n_slots) if train.mask is None else train.mask.sum(dim=1)
            weight = None if train.weight is None else train.weight.double()
            counts = torch.bincount(filled.cpu(), None if weight is None else weight.cpu(), minlength=n_slots + 1)
            self.slot_counts = counts.tolist()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the precision, and how many slots the training events fill."""
        super().on_save_checkpoint(checkpoint)
        if self.slot_counts is not None:
            checkpoint[_SLOT_COUNTS] = self.slot_counts

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take what was kept; checkpoints of older versions say nothing of slots."""
        super().on_load_checkpoint(checkpoint)
        counts = checkpoint.get(_SLOT_COUNTS)
        if counts is not None and not is_histogram(counts, self.entry_shape[0] + 1):
            raise UserError(f"the checkpoint's {_SLOT_COUNTS} are no numbers of events, one for each number of slots")
        self.slot_counts = counts

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return decoded draws z ~ N(0, 1) in raw units; see `Generative`.

        They are means of the decoder, without its noise. How many slots of an event are filled, the first ones, is
        drawn as often as among the training events, apart from the code; where every slot has a code of its own, they
        come by falling first feature (pT), as in the data.
        """
        return decoded_draws(self, n, generator)

    def sample_prior(self, like: Batch, seed: int = 0) -> Tensor:
        """Return decoded draws z ~ N(0, 1) in raw units, one for each entry of `like`, of the shape of `like.x`.

        What the model does not describe is taken from `like`: which slots are empty and, for the normaliser `layer`,
        the entry's mean and spread. Draws are means of the decoder, without its noise.
        """
        return decoded_like(self, like, seed)

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show samples of the prior beside the background."""
        real = drawn_by_weight(take_rows(samples[background], slice(_SHOWN)))
        yield GeneratedEntries("Samples of the prior", real, self.sample_prior(real))

    def _n_elements(self, batch: Batch) -> Tensor:
        """Number of numbers that each entry holds, `(B,)`: D."""
        if batch.mask is None:
            return torch.full(batch.x.shape[:1], float(math.prod(self.entry_shape)), device=batch.x.device)
        return batch.mask.sum(dim=1) * float(self.entry_shape[-1])
