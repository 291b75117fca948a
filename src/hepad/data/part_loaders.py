"""Loaders of what trains, validates and is tested, shared among the processes of a training."""

import lightning as L
import torch

from hepad.core.batch import take_rows
from hepad.data.entries import Entries
from hepad.data.loader import BatchLoader


class PartLoaders(L.LightningDataModule):
    """Batches of entries that are in memory; a subclass fills in the entries of each part.

    Attributes:
        train_entries, val_entries: those that train and validate.
        test_entries: tested sample → its entries.
        batch_size: entries of a training batch.
        seed: of the order of training.
        train_probability: `(N,)` how often to draw each training entry; None shows each once per epoch.
    """

    train_entries: Entries
    val_entries: Entries
    test_entries: dict[str, Entries]
    batch_size: int
    seed: int
    train_probability: torch.Tensor | None

    @property
    def process(self) -> tuple[int, int]:
        """Rank of this process and how many there are; (0, 1) outside a training on several devices."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of the training part, or this process's share of each."""
        rank, world_size = self.process
        return BatchLoader(
            self.train_entries.batch,
            self.batch_size,
            shuffle_seed=self.seed,
            drop_last=True,
            probability=self.train_probability,
            rank=rank,
            world_size=world_size,
        )

    def val_dataloader(self) -> BatchLoader:
        """Batches of the validation part, in the order of the split."""
        return self._in_order(self.val_entries)

    def test_dataloader(self) -> list[BatchLoader]:
        """One loader per tested sample."""
        return [self._in_order(entries) for entries in self.test_entries.values()]

    def _in_order(self, entries: Entries) -> BatchLoader:
        """Batches of the entries, or of every n-th one where n processes share them: none is seen twice."""
        rank, world_size = self.process
        batch = entries.batch if world_size == 1 else take_rows(entries.batch, slice(rank, None, world_size))
        return BatchLoader(batch, 4 * self.batch_size)
