"""Two autoencoders whose errors know nothing of each other, so that background above both cuts can be predicted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, distributed, nn

from hepad.config.registry import instantiate
from hepad.core.batch import Batch, on_device, take_rows
from hepad.core.diagnostics import Diagnostic, IndependentScores, TrainingCurves
from hepad.core.float32 import in_precision
from hepad.core.misfits import compares_no_entries
from hepad.core.schema import Structure
from hepad.losses import ReconstructionLoss, unbiased_distance_correlation
from hepad.losses.base import weighted_mean
from hepad.models.base import AnomalyModel, eval_mode
from hepad.nn import DenseAutoencoderNet
from hepad.nn.dense import code_width, hidden_widths

PARTS: Final = ("first", "second")
_CHUNK: Final = 16384


class DoubleAutoencoder(AnomalyModel):
    """Two dense autoencoders of one vector, trained together on E₁ + E₂ + λ·R²(ln E₁, ln E₂): double DisCo.

    R² is the unbiased squared distance correlation of the logarithms of their reconstruction errors in a batch, so that
    the errors of background become independent; of the errors themselves it sees little but the few largest. What is
    above a cut on both of them is then predicted by what fails one or both, the ABCD method: V. Mikuni, B. Nachman,
    D. Shih, Physical Review D 105 (2022) 055006 (arXiv:2111.06417).

    An entry is anomalous where both errors are large: the score is the smaller of the two, each as (ln E − μ)/σ with
    mean and spread over validation background. The parts are the errors themselves.

    Args:
        entry_shape, loss, normalizer, hidden, latent, dropout, activation: those of `DenseAutoencoder`, for both.
        independence: λ, from 0.

    Raises:
        ValueError: the loss of another kind of model.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DoubleAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = DoubleAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"})
    >>> model.prepare(Batch(torch.randn(256, 17)))
    >>> batch = Batch(torch.randn(4, 17))
    >>> model.anomaly_score(batch).shape, list(model.score_parts(batch))
    (torch.Size([4]), ['first', 'second'])
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector"})
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/independence2", "train/loss")
    signed_score: ClassVar[bool] = True

    centers: Tensor
    spreads: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        dropout: float = 0.0,
        activation: str = "relu",
        independence: float = 10.0,
    ) -> None:
        super().__init__(entry_shape, normalizer)
        built = instantiate(dict(loss))
        if not isinstance(built, ReconstructionLoss):
            raise ValueError(compares_no_entries(type(built).__name__))
        self.save_hyperparameters()
        self.loss, self.independence = built, independence
        n = self.entry_shape[0]
        sizes = hidden_widths(hidden, n), code_width(latent, n), dropout, activation, normalizer == "none"
        self.networks = nn.ModuleList([DenseAutoencoderNet(n, *sizes) for _ in PARTS])
        self.register_buffer("centers", torch.zeros(2))
        self.register_buffer("spreads", torch.ones(2))
        self._validated: list[Tensor] = []

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, then the loss on normalised entries."""
        super().prepare(train)
        self.loss.fit(self.normalizer(train.x, train.mask))

    def errors(self, batch: Batch) -> Tensor:
        """Return the reconstruction errors `(2, B)` of the two autoencoders."""
        z = self.normalizer(batch.x, batch.mask)
        return torch.stack([self.loss(network(z), z, None) for network in self.networks])

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return E₁ + E₂ + λ·R² of the batch."""
        total, errors = self.total_weight(batch), self.errors(batch)
        loss, correlation = self._objective(errors, batch.weight, total)
        self.log("train/independence2", correlation, on_step=False, on_epoch=True, batch_size=total)
        return self.train_by(loss, batch, total)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the objective and R², and remember the errors for `on_validation_epoch_end`."""
        total, errors = self.total_weight(batch), self.errors(batch)
        loss, correlation = self._objective(errors, batch.weight, total)
        self.validate_by(loss, batch, total)
        self.log("val/independence2", correlation, batch_size=total)
        weight = torch.ones_like(errors[0]) if batch.weight is None else batch.weight.to(errors)
        self._validated.append(torch.cat([_logarithm(errors), weight.unsqueeze(0)]))

    def on_validation_epoch_end(self) -> None:
        """Take mean and spread of ln E over the validation part, by which the two errors are put on one scale."""
        *logs, weight = torch.cat(self._validated, dim=1)
        self._validated.clear()
        values = torch.stack(logs).double()
        share = weight.double() / weight.double().sum()
        center = (share * values).sum(dim=1)
        spread = (share * (values - center.unsqueeze(1)).square()).sum(dim=1).sqrt()
        found = torch.stack([center, spread])
        if distributed.is_initialized():
            # One scale for all processes, the mean of theirs.
            distributed.all_reduce(found)
            found = found / distributed.get_world_size()
        self.centers.copy_(found[0])
        self.spreads.copy_(found[1].clamp(min=torch.finfo(self.spreads.dtype).eps))

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` smaller of the two errors, in standard units of their logarithms."""
        standard = (_logarithm(self.errors(batch)) - self.centers.unsqueeze(1)) / self.spreads.unsqueeze(1)
        return standard.amin(dim=0)

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return the two errors."""
        return dict(zip(PARTS, self.errors(batch), strict=True))

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show the way of R², and how well the background above both cuts is predicted."""
        yield TrainingCurves(
            "independence",
            "Squared distance correlation of the logarithms of the two reconstruction errors",
            {"R² of the errors": ("train/independence2", "val/independence2")},
        )
        yield IndependentScores(PARTS, *self._errors_of_all(samples[background]))

    @torch.no_grad()
    def _errors_of_all(self, entries: Batch) -> Tensor:
        parts = []
        with eval_mode(self):
            for start in range(0, len(entries.x), _CHUNK):
                part = on_device(take_rows(entries, slice(start, start + _CHUNK)), self.device)
                parts.append(self.errors(in_precision(part, self.precision)).float().cpu())
        return torch.cat(parts, dim=1)

    def _objective(self, errors: Tensor, weight: Tensor | None, total: Tensor | int) -> tuple[Tensor, Tensor]:
        logs = _logarithm(errors)
        correlation = unbiased_distance_correlation(logs[0], logs[1], weight)
        return weighted_mean(errors.sum(dim=0), weight, total) + self.independence * correlation, correlation


def _logarithm(errors: Tensor) -> Tensor:
    return errors.clamp(min=torch.finfo(errors.dtype).tiny).log()
