"""Trivial scores of a datamodule's entries: those that it makes, and those fitted to its training entries."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import drawn_by_weight
from hepad.data.entries import Entries
from hepad.data.trivial_scores import FittedScore, fit_trivial_scores


class TrivialBaselines(ABC):
    """Scores that need no model, which any model must beat.

    Attributes:
        as_read: the training entries with the weights of their files and roles; where they are streamed, a draw.
    """

    as_read: Entries
    _fitted: dict[str, FittedScore] | None = None

    @abstractmethod
    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Return the trivial anomaly scores of such entries: `sum_pt`, `multiplicity`, `distance_to_mean`, those known.

        Each is `(N,)`; the last is ‖x − mean‖² with the mean of the training entries. `trivial_scores` adds those that
        are the same for every kind.
        """

    def trivial_scores(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Return all trivial scores of entries, each `(N,)`: `baselines`, and those fitted to the training entries."""
        if self._fitted is None:
            self._fitted = fit_trivial_scores(drawn_by_weight(self.baseline_entries.batch).x.numpy())
        flat = entries.batch.x.numpy().reshape(len(entries), -1)
        return {**self.baselines(entries), **{name: score(flat) for name, score in self._fitted.items()}}

    @property
    def baseline_entries(self) -> Entries:
        """The training entries that trivial scores call usual: those of label 0, as read; all where no role has it."""
        label = self.as_read.batch.label
        if label is None or not bool((label == 0).any()):
            return self.as_read
        return self.as_read.rows(torch.nonzero(label == 0).flatten().numpy())
