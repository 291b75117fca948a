"""Models that are fitted to all training entries at once, and trained by no gradient."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.models.base import AnomalyModel


class FittedModel(AnomalyModel):
    """A model that is done when `prepare` has fitted it; one epoch validates it and writes its checkpoint.

    Args:
        entry_shape: shape of one entry in raw units.
        normalizer: kind of input normaliser.
    """

    takes_penalty: ClassVar[bool] = False

    def __init__(self, entry_shape: Sequence[int], normalizer: str = "none") -> None:
        super().__init__(entry_shape, normalizer)
        # A trainer and its optimiser want something to train; no score depends on it.
        self.idle = nn.Parameter(torch.zeros(()))

    def training_step(self, batch: Batch, batch_idx: int) -> Any:
        """Return 0: there is nothing left to learn."""
        return 0.0 * self.idle


def drawn_seed() -> int:
    """Return a seed for a library with random numbers of its own, drawn from torch's, which a run sets by its seed."""
    return int(torch.randint(2**31 - 1, ()))


def entry_columns(batch: Batch) -> Tensor:
    """Return the entries as columns `(B, F)`."""
    return batch.x.flatten(1)
