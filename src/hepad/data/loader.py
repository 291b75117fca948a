"""Batches sliced from tensors that stay in memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from hepad.core.batch import Batch, on_device, take_rows

__all__ = ["BatchLoader", "EpochShuffle", "take_rows"]


class EpochShuffle:
    """The order of the training entries: a permutation keyed by (seed, epoch), or none.

    With a `probability` `(n_entries,)` entries are drawn by it, with replacement, as many as there are.

    Lightning calls `set_epoch` at the start of each epoch. Because the order depends on nothing else, a resumed
    run sees the same batches as one that was never stopped.
    """

    def __init__(self, n_entries: int, seed: int | None, probability: Tensor | None = None) -> None:
        self.n_entries = n_entries
        self.seed = seed
        self.epoch = 0
        self._cumulative = None if probability is None else probability.double().cumsum(0)

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation of `epoch`."""
        self.epoch = epoch

    def generator(self, stream: int) -> torch.Generator:
        """Return the random numbers of this epoch: stream 0 for the order, 1 for the batch loader's `transform`."""
        # torch uses only the low 32 bits of a seed: the three numbers are mixed, not packed side by side.
        mixed = np.random.SeedSequence([self.seed or 0, stream, self.epoch]).generate_state(1)[0]
        return torch.Generator().manual_seed(int(mixed))

    def order(self) -> Tensor | None:
        """Return the `(n_entries,)` row order of this epoch, or None for the order of the file."""
        if self.seed is None:
            return None
        generator = self.generator(stream=0)
        if self._cumulative is None:
            return torch.randperm(self.n_entries, generator=generator)
        drawn = torch.rand(self.n_entries, generator=generator, dtype=torch.float64) * self._cumulative[-1]
        return torch.searchsorted(self._cumulative, drawn, right=True).clamp(max=self.n_entries - 1)


class BatchLoader:
    """Iterate over `entries` in batches; a slice or one gather per batch, no worker processes.

    A per-item `DataLoader` collates entry by entry, which takes several times longer than these networks do
    (docs/performance.md).

    Args:
        entries: all entries, every field of length N.
        batch_size: entries per batch.
        shuffle_seed: shuffle every epoch with this seed; None keeps the order.
        drop_last: leave out a last, smaller batch (where at least one full batch remains): batch norm cannot
            train on a single entry.
        probability: draw shuffled entries by it, with replacement.
        rank, world_size: of this process, where several train together: each takes every `world_size`-th entry of each
            batch, `batch_size` being that of the whole. The batch is cut so that all have equally many, or the mean of
            their gradients would not be the gradient of the mean.

    Attributes:
        n_entries: N.
        transform: a function of a batch and the epoch's random numbers, applied to every batch; None for none.
    """

    def __init__(
        self,
        entries: Batch,
        batch_size: int,
        shuffle_seed: int | None = None,
        drop_last: bool = False,
        probability: Tensor | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.entries = entries
        self.n_entries = len(entries.x)
        self.batch_size = batch_size
        self.drop_last = drop_last and len(entries.x) >= batch_size
        # Lightning looks for these two names: it calls `sampler.set_epoch` when an epoch begins.
        self.sampler = EpochShuffle(len(entries.x), shuffle_seed, probability)
        self.batch_sampler = None
        self.rank = rank
        self.world_size = world_size
        self.transform: Callable[[Batch, torch.Generator], Batch] | None = None
        self._batches: Iterator[Batch] = iter(())

    @property
    def nbytes(self) -> int:
        """Return the bytes that the loader keeps on the device of `to`."""
        return sum(field.nbytes for field in self.entries if field is not None)

    def to(self, device: torch.device) -> None:
        """Let the entries live on a device, and make batches there; their order is the same everywhere."""
        self.entries = on_device(self.entries, device)

    def next_batch(self) -> Batch:
        """Return the next batch of the epoch, which whoever iterates over the loader then does not get."""
        return next(self._batches)

    def __len__(self) -> int:
        return self.n_entries // self.batch_size if self.drop_last else -(-self.n_entries // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        self._batches = self._epoch()
        return self._batches

    def _epoch(self) -> Iterator[Batch]:
        order = self.sampler.order()
        if order is not None:
            order = order.to(self.entries.x.device)
        generator = self.sampler.generator(stream=1)
        for i in range(len(self)):
            rows = slice(i * self.batch_size, (i + 1) * self.batch_size)
            batch = take_rows(self.entries, rows if order is None else order[rows])
            if self.transform is not None:
                batch = self.transform(batch, generator)
            yield batch if self.world_size == 1 else self._share(batch)

    def _share(self, batch: Batch) -> Batch:
        """Return what this process takes of a batch; the whole was made by each, so random numbers are the same."""
        even = len(batch.x) - len(batch.x) % self.world_size
        return take_rows(batch, slice(self.rank, even, self.world_size))
