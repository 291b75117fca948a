"""Models that score an entry by how badly they reconstruct it."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hepad.config.registry import instantiate
from hepad.core.batch import Batch
from hepad.core.float32 import computed_in, in_precision, weight_dtype
from hepad.core.misfits import compares_no_entries
from hepad.losses import MAE, ReconstructionLoss
from hepad.losses.base import weighted_mean
from hepad.models.base import AnomalyModel, eval_mode
from hepad.nn import LatentNetwork


class ReconstructionModel(AnomalyModel):
    """An autoencoder of any shape: normalise, reconstruct, compare; the loss per entry is the score.

    The comparison is made between normalised entries, so that features in GeV do not drown fractions.

    Args:
        entry_shape: shape of one entry in raw units.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.

    Raises:
        ValueError: the loss of another kind of model.
    """

    # Whether training makes codes look like draws from N(0, 1).
    unit_normal_prior: ClassVar[bool] = False
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/mae", "train/loss")

    def __init__(self, entry_shape: Sequence[int], loss: Mapping[str, Any], normalizer: str = "standard") -> None:
        super().__init__(entry_shape, normalizer)
        built = instantiate(dict(loss))
        if not isinstance(built, ReconstructionLoss):
            raise ValueError(compares_no_entries(type(built).__name__))
        self.loss = built
        self.mae = MAE()

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, then the loss on normalised entries."""
        seen = self.view(train)
        super().prepare(seen)
        self.loss.fit_units(self.normalizer.center, self.normalizer.scale)
        self.loss.fit(self.normalizer(seen.x, seen.mask))

    def view(self, batch: Batch) -> Batch:
        """Return the batch as the model looks at it; a model that ignores masks takes them away here."""
        return batch

    @abstractmethod
    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction of normalised entries `z`, of the same shape."""

    def reconstruct_batch(self, z: Tensor, batch: Batch) -> Tensor:
        """Return the reconstruction of the normalised entries `z` of a batch; one with a context is given it here."""
        return self.reconstruct(z, batch.mask)

    @abstractmethod
    def code(self, z: Tensor) -> Tensor:
        """Return the codes of normalised entries, `(B, L)`, or `(B, S, L)` where every slot has one."""

    @abstractmethod
    def decoder(self) -> nn.Module:
        """Return the network from codes to normalised entries."""

    def limit_on_copying(self) -> str | None:
        """Return what keeps a model with a wide code from copying its input; None where it is meant to be wide."""
        return "nothing keeps"

    def remarks(self) -> list[str]:
        """Say where the code is as wide as what it stands for."""
        code, limit = self.latent_network().latent_shape, self.limit_on_copying()
        n_features = math.prod(self.entry_shape[-1:] if len(code) == 2 else self.entry_shape)
        if limit is None or code[-1] < n_features:
            return []
        return [
            f"the code of {code[-1]} is as wide as the {n_features} numbers it stands for: {limit} the network from "
            f"copying what it is given, and then nothing is strange; model.latent below {n_features} makes it choose"
        ]

    def latent_network(self) -> LatentNetwork:
        """Return the decoder."""
        with eval_mode(self), torch.no_grad():
            shape = self.code(
                torch.zeros(1, *self.entry_shape, device=self.device, dtype=weight_dtype(self.precision))
            ).shape[1:]
        return LatentNetwork(self.decoder(), tuple(shape), self.unit_normal_prior)

    def latent_target(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return normalised entries as the model looks at them, and their slots that count."""
        batch = in_precision(self.view(batch), self.precision)
        return self.normalizer(batch.x, batch.mask), batch.mask

    def encode_batch(self, batch: Batch) -> Tensor:
        """Return the codes of entries in raw units, in eval mode."""
        with eval_mode(self):
            return self.code(self.latent_target(batch)[0])

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` losses between entries and their reconstructions."""
        batch = self.view(batch)
        z = self.normalizer(batch.x, batch.mask)
        values: Tensor = self.loss(self.reconstruct_batch(z, batch), z, batch.mask)
        return values

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss and the mean absolute error of the background's validation part."""
        batch = self.view(batch)
        z, total = self.normalizer(batch.x, batch.mask), self.total_weight(batch)
        z_hat = self.reconstruct_batch(z, batch)
        losses, errors = self.loss(z_hat, z, batch.mask), self.mae(z_hat, z, batch.mask)
        self.validate_by(weighted_mean(losses, batch.weight, total), batch, total, losses)
        self.log("val/mae", weighted_mean(errors, batch.weight, total), batch_size=total)

    def losses_are_scores(self) -> bool:
        """Return whether the score is the loss, and no subclass chose another."""
        return type(self).score_batch is ReconstructionModel.score_batch

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` reconstruction losses."""
        return self.losses(batch)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return scores and losses, which are the same unless a subclass scores by something else."""
        found = super().test_step(batch, batch_idx, dataloader_idx)
        return {**found, "loss": found["score"]}

    def reconstruct_raw(self, batch: Batch) -> Tensor:
        """Return the reconstructions in raw units, of the shape of `batch.x`."""
        batch = in_precision(self.view(batch), self.precision)
        with eval_mode(self), computed_in(self.precision, self.device.type):
            z = self.normalizer(batch.x, batch.mask)
            return self.normalizer.inverse(self.reconstruct_batch(z, batch), batch.x, batch.mask)

    def contributions(self, batch: Batch) -> Tensor | None:
        """Return the terms of the score, see `Explaining`; None where the score is not the loss, or that no mean."""
        own = self.losses_are_scores() and type(self).losses is ReconstructionModel.losses
        return self.loss_terms(batch) if own else None

    def loss_terms(self, batch: Batch) -> Tensor | None:
        """Return what sums to the loss of each entry, of the shape of `batch.x`; None where the loss does not tell."""
        batch = in_precision(self.view(batch), self.precision)
        with eval_mode(self), computed_in(self.precision, self.device.type):
            z = self.normalizer(batch.x, batch.mask)
            values = self.loss.elementwise(self.reconstruct_batch(z, batch), z)
        if values is None or batch.mask is None:
            return None if values is None else values / math.prod(self.entry_shape)
        n_elements = batch.mask.sum(dim=1).clamp(min=1).reshape(-1, 1, 1) * self.entry_shape[-1]
        return torch.where(batch.mask.unsqueeze(-1), values, torch.zeros_like(values)) / n_elements

    def loss_per_feature(self, batch: Batch) -> Tensor | None:
        """Return how much each part of an entry contributes to its loss; None where the loss does not tell.

        `(B, F)` per feature for vectors, averaged over slots where there are any; `(B, H, W)` per pixel for images,
        `(B, Z, Y, X)` per cell for volumes, averaged over channels.
        """
        batch = in_precision(self.view(batch), self.precision)
        with eval_mode(self), computed_in(self.precision, self.device.type):
            z = self.normalizer(batch.x, batch.mask)
            values = self.loss.elementwise(self.reconstruct_batch(z, batch), z)
        if values is None:
            return None
        if batch.mask is not None:
            values = values * batch.mask.unsqueeze(-1)
            return values.sum(dim=1) / batch.mask.sum(dim=1, keepdim=True).clamp(min=1)
        return values.mean(dim=1) if values.ndim > 2 else values
