"""Volumes as vectors: the shares of their cells, with their total among what is known of them."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.diagnostics import GeneratedEntries
from hepad.models.base import AnomalyModel
from hepad.models.capabilities import Generative, draw_normal
from hepad.nn.cell_shares import shares, totals
from hepad.nn.shower_units import scaled
from hepad.nn.total_given_context import TotalGivenContext


class VolumeVectors(nn.Module):
    """A map of volumes `(B, C, D, H, W)` to vectors of shares with a context of K + 1 columns, and back.

    A vector holds the cells over their mean, so that it sums to their number. Its context is that of the entry in
    standard units, and r, where the sum of its cells lies among those of that context (`TotalGivenContext`): a model of
    a thousand cells, each nearly right, would get their sum wrong.

    Args:
        entry_shape: `(C, D, H, W)`.
        context_size: number K of observables.
    """

    def __init__(self, entry_shape: Sequence[int], context_size: int) -> None:
        super().__init__()
        self.entry_shape = tuple(entry_shape)
        self.n_cells = math.prod(self.entry_shape)
        self.total = TotalGivenContext(context_size)

    def fit(self, train: Batch) -> None:
        """Take the distribution of totals of training entries."""
        self.total.fit(totals(train.x), train.context, train.weight)

    def vectors(self, batch: Batch) -> Batch:
        """Return the entries as vectors `(B, F)` with their context `(B, K + 1)`."""
        r = self.total(totals(batch.x), batch.context)
        return batch._replace(
            x=self.n_cells * shares(batch.x).flatten(1), context=self._known(r, batch.context).to(batch.x.dtype)
        )

    def wanted(self, wanted: Batch, generator: torch.Generator, model: AnomalyModel) -> tuple[Batch, Tensor]:
        """Return what entries are to be made up, as vectors are, and totals `(B,)` drawn for them."""
        r = draw_normal((len(wanted.x),), generator, model).double()
        return wanted._replace(context=self._known(r, wanted.context)), self.total.inverse(r, wanted.context)

    def entries(self, x: Tensor, total: Tensor) -> Batch:
        """Return entries in raw units, on the CPU, of vectors `(B, F)` and totals `(B,)`."""
        cells = shares(x.float().view(-1, *self.entry_shape))
        return Batch(scaled(cells, total).cpu())

    def _known(self, r: Tensor, context: Tensor | None) -> Tensor:
        standard = self.total.standard(context)
        return r.unsqueeze(1) if standard is None else torch.cat([standard, r.unsqueeze(1)], dim=1)


def made_beside(model: AnomalyModel, real: Batch, title: str) -> GeneratedEntries:
    """Return entries made up beside real ones, with their context where the model takes one."""
    assert isinstance(model, Generative)
    given = len(real.x) if real.context is None else real.context
    return GeneratedEntries(title, real, model.sample(given, torch.Generator().manual_seed(0)).x)
