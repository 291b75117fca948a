"""Loaders of the training, validation and test parts of a datamodule, in memory or streamed."""

from typing import ClassVar

import lightning as L
import torch

from hepad.core.batch import take_rows
from hepad.data.entries import Entries
from hepad.data.loader import BatchLoader
from hepad.data.streaming.budget import KEPT, READ_IN_ORDER
from hepad.data.streaming.loader import StreamedLoader
from hepad.data.streaming.parts import TRAIN, VAL
from hepad.data.streaming.samples import Streamed


class PartLoaders(L.LightningDataModule):
    """Loaders of a datamodule's parts, or of this process's share of them.

    Attributes:
        train_entries, val_entries, test_entries: what is trained, validated and tested on; where it is streamed, a
            random draw of the first two.
        streamed: entries that are read from disk while training goes on; None where all are in memory.
        batch_size: entries per training batch.
        seed: shuffles the training entries.
        train_probability: how often to draw each of them; None shows each once per epoch.
    """

    _OF_VALIDATION: ClassVar[int] = 4
    train_entries: Entries
    val_entries: Entries
    test_entries: dict[str, Entries]
    streamed: Streamed | None = None
    batch_size: int
    seed: int
    train_probability: torch.Tensor | None = None

    def __init__(self) -> None:
        super().__init__()
        self._streams_read: list[StreamedLoader] = []

    @property
    def process(self) -> tuple[int, int]:
        """Rank of this process and how many there are; (0, 1) outside a training on several devices."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    @property
    def n_trained(self) -> int:
        """Number of training entries, streamed or not."""
        return len(self.train_entries) if self.streamed is None else self.streamed.n(TRAIN)

    @property
    def n_validated(self) -> int:
        """Number of validation entries, streamed or not."""
        return len(self.val_entries) if self.streamed is None else self.streamed.n(VAL)

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of the training part, or this process's share of each."""
        if self.streamed is not None:
            return self._stream(self.streamed, TRAIN)
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
        """Batches of the validation part, in the order of the split; streamed in that of the files."""
        return self._in_order(self.val_entries) if self.streamed is None else self._stream(self.streamed, VAL)

    def test_dataloader(self) -> list[BatchLoader]:
        """One loader per tested sample."""
        return [self._in_order(entries) for entries in self.test_entries.values()]

    def _in_order(self, entries: Entries) -> BatchLoader:
        """Batches of the entries, or of every n-th one where n processes share them: none is seen twice."""
        rank, world_size = self.process
        batch = entries.batch if world_size == 1 else take_rows(entries.batch, slice(rank, None, world_size))
        return BatchLoader(batch, self._OF_VALIDATION * self.batch_size)

    def teardown(self, stage: str) -> None:
        """Stop reading where a training has ended within an epoch."""
        for loader in self._streams_read:
            loader.close()
        self._streams_read.clear()

    def _stream(self, streamed: Streamed, code: int) -> StreamedLoader:
        rank, world_size = self.process
        trains = code == TRAIN
        loader = StreamedLoader(
            streamed.streams,
            code,
            self.train_entries.batch,
            streamed.buffer if trains else READ_IN_ORDER * streamed.buffer,
            self.batch_size if trains else self._OF_VALIDATION * self.batch_size,
            shuffle_seed=self.seed if trains else None,
            drop_last=trains,
            rank=rank,
            world_size=world_size,
            kept=0 if trains else int(KEPT * streamed.memory),
        )
        self._streams_read.append(loader)
        return loader
