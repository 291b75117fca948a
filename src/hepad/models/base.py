"""The base of all models: an anomaly score, and a normaliser of its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import lightning as L
import torch
from torch import Tensor, distributed, nn

from hepad.core.batch import Batch
from hepad.core.diagnostics import Diagnostic
from hepad.core.errors import UserError
from hepad.core.float32 import (
    FLOAT32,
    at_least_float32,
    computed_in,
    exact_float32,
    in_precision,
    known_precision,
    weight_dtype,
)
from hepad.core.schema import Structure
from hepad.losses.base import weighted_mean
from hepad.models.decorrelation import PenalisedSteps
from hepad.models.epoch_means import EpochMeans
from hepad.nn import InputNormalizer


class AnomalyModel(PenalisedSteps, L.LightningModule, ABC):
    """A network that trains on background and gives every entry one anomaly score, higher is more anomalous.

    Hyperparameters hold plain values only, so a checkpoint loads with `weights_only=True`; the optimiser is given
    by whoever trains, through `optimizer_factory` and `scheduler_factory`, with `validated_every`, the number of epochs
    from one validation to the next. A subclass writes `score_batch`, and `losses` to be trained by. What else a model
    can do is in `hepad.models.capabilities`.

    Attributes:
        structures: the structures of entries that the model takes (`hepad.core.schema`).
        monitors: the names a callback may watch.
        training_keys: keys of the model's config that whoever trains reads, and the model itself does not.
        learns_targets: what it predicts is `Batch.target`, without which it cannot be trained.
        signed_score: whether scores may be negative whatever the settings.
        context_use: what the model does with `Batch.context`: `condition` on it, and is built with `context_size`, the
            number of its observables; `ignore` it, for whoever else reads it; or `refuse` data that have any.
        fits_all_entries: `prepare` is all that trains the model, so that a draw of the entries would not do.
        one_process: what the model keeps of its training is of one process, so that several cannot share it.
        manual_optimization: the model steps its optimisers itself; the trainer's clipping, accumulation and step count
            do not work then.
        averages_gradients: a model that steps its optimisers itself takes the mean of the gradients of several
            processes, and draws its random numbers for the batch of all of them: it may train on several devices.
        epoch_means: what the training steps of an epoch log, until it is over.

    Args:
        entry_shape: shape of one entry in raw units.
        normalizer: kind of input normaliser.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import AnomalyModel
    >>> class Hardness(AnomalyModel):
    ...     structures = frozenset({"vector"})
    ...     def score_batch(self, batch):
    ...         return self.normalizer(batch.x)[:, 0]
    >>> model = Hardness((2,))
    >>> model.prepare(Batch(torch.tensor([[20.0, 0.1], [40.0, 0.3]])))
    >>> model.anomaly_score(Batch(torch.tensor([[30.0, 0.0], [80.0, 0.0]])))
    tensor([0., 5.])
    """

    structures: ClassVar[frozenset[Structure]]
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "train/loss")
    training_keys: ClassVar[frozenset[str]] = frozenset()
    learns_targets: ClassVar[bool] = False
    signed_score: ClassVar[bool] = False
    context_use: ClassVar[Literal["condition", "ignore", "refuse"]] = "refuse"
    fits_all_entries: ClassVar[bool] = False
    one_process: ClassVar[bool] = False
    manual_optimization: ClassVar[bool] = False
    averages_gradients: ClassVar[bool] = False

    def __init__(self, entry_shape: Sequence[int], normalizer: str = "standard") -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        self.normalizer = InputNormalizer(normalizer, self.entry_shape)
        self.optimizer_factory: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
        self.scheduler_factory: Callable[..., Any] | None = None
        self.validated_every = 1
        self.precision = FLOAT32
        self.epoch_means = EpochMeans()

    def prepare(self, train: Batch) -> None:
        """Take what is fitted, not trained, from all training entries at once: here the normaliser's statistics.

        Where entries are streamed, `train` is a random draw of them, as large as `data.memory` allows.
        """
        self.normalizer.fit(train.x, train.mask, train.weight)

    def remarks(self) -> list[str]:
        """Return what a user should know of the model before it is trained, and a reader of its scores afterwards."""
        return []

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterable[Diagnostic]:
        """Return what there is to show beside the scores; called once, after all entries were scored.

        Args:
            samples: sample → all tested entries, on the CPU.
            scores: sample → `(N,)` their scores.
            background: the sample trained on.
        """
        return ()

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return whether scores may be negative, so that they have no logarithm.

        Args:
            settings: the model's arguments, those left out at their defaults.
        """
        return cls.signed_score

    @classmethod
    def learns_labels(cls, settings: Mapping[str, Any]) -> bool:
        """Return whether training needs entries of label 0 and of label 1 (`data.train`).

        Args:
            settings: the model's arguments, those left out at their defaults.
        """
        return False

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` losses of a batch: what training makes small, and validation chooses the epoch by.

        A model whose objective is no mean over entries writes `training_step` and `validation_step` instead, and ends
        them with `train_by` and `validate_by`.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither `losses` nor steps of its own to train by")

    def training_step(self, batch: Batch, batch_idx: int) -> Any:
        """Return the mean loss of the batch, each entry counted by its weight."""
        total, losses = self.total_weight(batch), self.losses(batch)
        return self.train_by(weighted_mean(losses, batch.weight, total), batch, total, losses)

    def validation_step(self, batch: Batch, batch_idx: int) -> Any:
        """Log the mean loss of the validation part."""
        total, losses = self.total_weight(batch), self.losses(batch)
        self.validate_by(weighted_mean(losses, batch.weight, total), batch, total, losses)

    @abstractmethod
    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores of a batch; called in eval mode."""

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the score is made of, or could be instead: name → `(B,)`, higher is more anomalous.

        Called in eval mode. Evaluation keeps the parts in scores.h5 and gives each an AUC of its own.
        """
        return {}

    @exact_float32()
    def anomaly_score(self, batch: Batch) -> Tensor:
        """Return the `(B,)` anomaly scores of entries in raw units; higher is more anomalous.

        Always computed in eval mode: in train mode batch normalisation and dropout would make a score depend on
        the other entries of its batch. Float32 is computed without TF32, on a GPU too. Where the training had
        another precision (`trainer.precision`), scores are computed in it; they are float32 or float64 themselves.
        """
        with eval_mode(self), computed_in(self.precision, self.device.type):
            score = self.score_batch(in_precision(batch, self.precision))
        return at_least_float32(score)

    def setup(self, stage: str) -> None:
        """Take the precision of the trainer."""
        self.precision = str(self.trainer.precision)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the precision, so that a checkpoint alone scores as its training did."""
        checkpoint["precision"] = self.precision

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the precision before the weights come, which would be rounded otherwise."""
        self.precision = known_precision(checkpoint.get("precision", FLOAT32))
        self.to(weight_dtype(self.precision))

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return what evaluation collects, each `(B,)`: `score`, and `part/<name>` of each of the parts."""
        with eval_mode(self):
            parts = self.score_parts(batch)
        return {
            "score": self.anomaly_score(batch),
            **{f"part/{name}": at_least_float32(x) for name, x in parts.items()},
        }

    def total_weight(self, batch: Batch) -> Tensor | int:
        """Return by what the mean of a batch is divided, and its say in the mean of an epoch (`batch_size` of `log`).

        The number of its entries, or the sum of their weights. Where several processes train together, the sum over all
        of them divided by their number, so that the mean of their gradients is the gradient of the mean.
        """
        if batch.weight is None:
            return len(batch.x)
        total = batch.weight.sum()
        if self.training and distributed.is_initialized():
            distributed.all_reduce(total)
            total = total / distributed.get_world_size()
        return total

    def log(self, name: str, value: Any, *args: Any, **options: Any) -> None:
        """Log as Lightning does; means over an epoch of training steps are kept until `log_epoch_means`.

        Where several processes train together, the mean is that over the entries of all of them.
        """
        total = options.get("batch_size")
        means = self.epoch_means
        size = means.entries if total is None else total
        if size is not None and not args and isinstance(value, Tensor) and self._is_mean_over_steps(options):
            means.add(name, value, size, {key: given for key, given in options.items() if key != "batch_size"})
            return
        hook = getattr(self, "_current_fx_name", None)
        means.not_all = means.not_all or hook == "training_step"
        if hook is None and means.entries is not None:
            # A step that nobody looks at, where the first one logged nothing of the kind.
            return
        if total is not None:
            # What Lightning averages over the processes it rounds to an integer; of multiples of their number it is
            # exact.
            options["batch_size"] = (total if isinstance(total, int) else float(total)) * _n_processes()
        super().log(name, value, *args, **{**options, "sync_dist": True})

    def _is_mean_over_steps(self, options: Mapping[str, Any]) -> bool:
        # No hook of Lightning's is at work where the steps are taken by `hepad.steps`.
        in_step = getattr(self, "_current_fx_name", None) in (None, "training_step")
        over_epoch = options.get("on_epoch") and not options.get("on_step", True) and "reduce_fx" not in options
        return bool(over_epoch) and in_step and self.training and not distributed.is_initialized()

    def log_epoch_means(self) -> None:
        """Log what the training steps of the epoch left to be logged; the second call of an epoch finds nothing."""
        for name, mean, options in self.epoch_means.take():
            super().log(name, mean, **{**options, "batch_size": 1})

    def on_train_epoch_end(self) -> None:
        """Log the means of the epoch, where no callback that needs them has asked for them before.

        Raises:
            UserError: a penalty was given that no step has added.
        """
        if self.decorrelation is not None and not self.was_penalised:
            raise UserError(
                f"decorrelate.variable={self.decorrelation.variable}: the training step of {type(self).__name__} adds "
                "no penalty; end it with `return self.train_by(loss, batch, total)`"
            )
        self.log_epoch_means()

    def step_kind(self, batch_idx: int) -> Hashable:
        """Return what tells a training step from others that compute something else; a recording is made of each.

        Whatever Python decides in a step, as by the epoch, belongs here: a step that is played back decides nothing. A
        model of a user's own is recorded as soon as it says so itself.
        """
        return None

    def configure_optimizers(self) -> Any:
        """Build the optimiser, and the scheduler where there is one."""
        optimizer = self.optimizer_factory(self.parameters())
        if self.scheduler_factory is None:
            return optimizer
        scheduler = self.scheduler_factory(optimizer)
        # What goes by the validation loss has nothing to go by in epochs without one.
        waits = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        settings = {"monitor": "val/loss", "interval": "epoch", "frequency": self.validated_every if waits else 1}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, **settings}}


def _n_processes() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Put `module` in eval mode, and every part of it back as it was afterwards."""
    were_training = [part for part in module.modules() if part.training]
    if were_training:
        module.eval()
    try:
        yield
    finally:
        for part in were_training:
            part.training = True
