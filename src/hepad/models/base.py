"""What every model promises: an anomaly score, and a normaliser of its own."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import lightning as L
import torch
from torch import Tensor, nn

from hepad.batch import Batch
from hepad.exhibits import Exhibit
from hepad.nn import InputNormalizer


class AnomalyModel(L.LightningModule, ABC):
    """A network that trains on background and gives every entry one anomaly score, higher is more anomalous.

    Hyperparameters hold plain values only, so a checkpoint loads with `weights_only=True`; the optimiser is given
    by whoever trains, through `optimizer_factory` and `scheduler_factory`.

    Attributes:
        kinds: the kinds of data the model takes (`AnomalyDataModule.kind`).
        monitors: the names a callback may watch.
        train_on: the part of the background's training entries it learns from (`AnomalyDataModule`, `train_on`).
        training_keys: keys of the model's config that whoever trains reads, and the model itself does not.

    Args:
        entry_shape: shape of one entry in raw units.
        normalizer: kind of input normaliser.
    """

    kinds: ClassVar[frozenset[str]]
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "train/loss")
    train_on: ClassVar[str] = "all"
    training_keys: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, entry_shape: Sequence[int], normalizer: str = "standard") -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        self.normalizer = InputNormalizer(normalizer, self.entry_shape)
        self.optimizer_factory: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
        self.scheduler_factory: Callable[..., Any] | None = None

    def prepare(self, train: Batch) -> None:
        """Take what is fitted, not trained, from all training entries at once: here the normaliser's statistics."""
        self.normalizer.fit(train.x, train.mask)

    def exhibits(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterable[Exhibit]:
        """Return what there is to show beside the scores; called once, after all entries were scored.

        Args:
            samples: sample → all tested entries, on the CPU.
            scores: sample → `(N,)` their scores.
            background: the sample trained on.
        """
        return ()

    @abstractmethod
    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores of a batch; called in eval mode."""

    def anomaly_score(self, batch: Batch) -> Tensor:
        """Return the `(B,)` anomaly scores of entries in raw units; higher is more anomalous.

        Always computed in eval mode: in train mode batch normalisation and dropout would make a score depend on
        the other entries of its batch.
        """
        with eval_mode(self):
            return self.score_batch(batch)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Return what evaluation collects, each with the entries along its first axis."""
        return {"score": self.anomaly_score(batch)}

    def configure_optimizers(self) -> Any:
        """Build the optimiser, and the scheduler where there is one."""
        optimizer = self.optimizer_factory(self.parameters())
        if self.scheduler_factory is None:
            return optimizer
        scheduler = {"scheduler": self.scheduler_factory(optimizer), "monitor": "val/loss", "interval": "epoch"}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[None]:
    """Put `module` in eval mode, and every part of it back as it was afterwards."""
    were_training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in were_training:
            part.training = True
