"""The base of all datamodules: samples, the split of the background, batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import h5py
import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import drawn_by_weight, take_rows
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import ImageLabels
from hepad.core.structure import Structure
from hepad.data.entries import Entries
from hepad.data.event_weights import read_weights, refuse_weightless
from hepad.data.loader import BatchLoader
from hepad.data.row_scores import RowScores, read_row_scores, with_targets
from hepad.data.sources import sample_files
from hepad.data.split import HALVES, Split, check_folds, check_half, rows_sha256, split_rows
from hepad.data.trivial_scores import FittedScore, fit_trivial_scores


class AnomalyDataModule(L.LightningDataModule, ABC):
    """Background for training and validation; its test part and every other sample for testing.

    A subclass says in `read` how one file becomes entries, and in `baselines` what the trivial scores are.

    Attributes:
        kind: the data set's own name, as in `data=…`: `jets`, `events`, `calo`, …
        structure: what an entry is (`hepad.core.structure`); models and losses ask for this alone.
        default_model: the model that was made for such data; None for the usual one of their structure.
        datasets: the HDF5 data sets that can be read.
        slots_of_events: entries are slots of events, of which a pT of 0 tells an empty one.
        profile_features: the observables that the score is drawn against.
        loudness: the column that stands in place of Σ pT, where the user names one.
        train_probability: `(N,)` how often to draw each training entry; None shows each once per epoch.
        target_label: what the targets of the entries are, for figures; empty where there are none.

    Args:
        samples: sample name → HDF5 file; beside a bundled name it replaces that sample, null leaves it out.
        bundled: start from the samples shipped with hepad.
        background: the sample to train on.
        batch_size: entries per training batch.
        limit: at most this many entries of each sample, or a mapping sample → limit; null for all.
        on_nonfinite: `refuse` raises where an entry holds NaN or inf, `drop` leaves those entries out.
        seed: shuffles the training entries; the split does not depend on it.
        half: the `first` or the `second` half of the background's training part; None for all of it.
        folds, fold: of how many parts of the background which one is tested; None for the usual split.
        targets: a file of scores by sample and row, which `setup` makes the targets of the entries
            (`hepad.data.row_scores`); None for none.
    """

    kind: ClassVar[str]
    structure: ClassVar[Structure]
    default_model: ClassVar[str | None] = None
    datasets: ClassVar[tuple[str, ...]]
    slots_of_events: ClassVar[bool] = False
    profile_features: tuple[str, ...] = ()
    loudness: str | None = None

    def __init__(
        self,
        samples: Mapping[str, str | None],
        background: str,
        bundled: bool = True,
        batch_size: int = 512,
        limit: int | Mapping[str, int] | None = None,
        on_nonfinite: str = "refuse",
        seed: int = 42,
        half: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        targets: str | None = None,
    ) -> None:
        super().__init__()
        check_half(half)
        check_folds(folds, fold)
        if batch_size < 2:
            raise UserError(f"data.batch_size={batch_size}: batch normalisation needs at least 2 entries")
        if on_nonfinite not in ("refuse", "drop"):
            raise UserError(f"data.on_nonfinite={on_nonfinite}; allowed: refuse, drop")
        self.files = sample_files(samples, bundled, self.datasets)
        if background not in self.files:
            raise UserError(f"data.background={background} is not a sample; allowed: {', '.join(sorted(self.files))}")
        self.background = background
        self.batch_size = batch_size
        self.limit = limit
        self.on_nonfinite = on_nonfinite
        self.seed = seed
        self.half = half
        self.folds, self.fold = folds, fold
        self.targets = None if targets is None else Path(targets).expanduser()
        self.train_probability: torch.Tensor | None = None
        self.target_label = ""
        # A sample may have fewer entries than there are processes.
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self._entries: dict[str, Entries] | None = None
        self._fitted: dict[str, FittedScore] | None = None

    @abstractmethod
    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set whose rows become entries, known to be safe to read."""

    @abstractmethod
    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read at most `limit` entries of an open file.

        With `rows`, a `slice(start, stop)` of `source`, only those, for files that do not fit into memory: without the
        checks that need the whole sample, and without the observables of other data sets.

        Raises:
            UserError: the file does not hold what this datamodule reads.
        """

    @abstractmethod
    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Return the trivial anomaly scores of such entries: `sum_pt`, `multiplicity`, `distance_to_mean`, those known.

        Each is `(N,)`; the last is ‖x − mean‖² with the mean of the training entries. `trivial_scores` adds those that
        are the same for every kind.
        """

    def trivial_scores(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Return all trivial scores of entries, each `(N,)`: `baselines`, and those fitted to the training entries."""
        if self._fitted is None:
            self._fitted = fit_trivial_scores(drawn_by_weight(self.train_entries.batch).x.numpy())
        flat = entries.batch.x.numpy().reshape(len(entries), -1)
        return {**self.baselines(entries), **{name: score(flat) for name, score in self._fitted.items()}}

    @property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features of one entry (last axis of vectors), or of the channels of an image."""

    @property
    @abstractmethod
    def entry_definition(self) -> dict[str, Any]:
        """What makes an entry of what a file holds: setting → plain value, after `setup`.

        A score is of use only for entries that were made in the same way.
        """

    @property
    def image_labels(self) -> ImageLabels:
        """What the pixels and the axes of an entry are, where entries are images."""
        return ImageLabels()

    def setup(self, stage: str | None = None) -> None:
        """Read every sample once and split the background; raise `UserError` for anything that cannot be used."""
        if self._entries is not None:
            return
        entries = {
            sample: self.read_sample(sample, path, self._limit_of(sample)) for sample, path in self.files.items()
        }
        self._check_shapes(entries)
        background = entries[self.background]
        self.split: Split = self.split_entries(background, self.half)
        # Halves are trained on one after the other: what cannot train either is found before both.
        for half in (None,) if self.half is None else HALVES:
            self.check_training_part(background.rows(self.split_entries(background, half).train))
        self.train_entries = background.rows(self.split.train)
        self.val_entries = background.rows(self.split.val)
        self.test_entries = {
            sample: background.rows(self.split.test) if sample == self.background else found
            for sample, found in entries.items()
        }
        parts = {"training": self.train_entries, "validation": self.val_entries}
        for what, part in parts.items():
            refuse_weightless(part.batch.weight, f"the {what} part of {self.background}", self.files[self.background])
        for sample, found in self.test_entries.items():
            what = f"the test part of {sample}" if sample == self.background else sample
            refuse_weightless(found.batch.weight, what, self.files[sample])
        self._entries = entries
        if self.targets is not None:
            self.set_targets(read_row_scores(self.targets, self.files), f"data.targets={self.targets}")

    def set_targets(self, scores: Mapping[str, RowScores], origin: str) -> None:
        """Let every entry carry the score of its row as its target; a `UserError` begins with `origin`."""

        def known(sample: str, entries: Entries) -> Entries:
            return with_targets(entries, scores[sample], f"{origin}: {sample}")

        test = {sample: known(sample, entries) for sample, entries in self.test_entries.items()}
        self.train_entries = known(self.background, self.train_entries)
        self.val_entries, self.test_entries = known(self.background, self.val_entries), test

    def split_entries(self, background: Entries, half: str | None) -> Split:
        """Split the background's entries; entries that share anything belong in one part."""
        return split_rows(len(background), half, self.folds, self.fold)

    def check_training_part(self, train: Entries) -> None:
        """Raise `UserError` where there is nothing in the training entries to learn from; here there always is."""
        return

    def _check_shapes(self, entries: Mapping[str, Entries]) -> None:
        shapes = {sample: tuple(found.batch.x.shape[1:]) for sample, found in entries.items()}
        wanted = shapes[self.background]
        for sample, shape in shapes.items():
            if shape != wanted:
                raise UserError(
                    f"entries of {sample} have the shape {shape}, those of {self.background} {wanted}; "
                    f"one shape is needed ({self.files[sample]})"
                )

    def _limit_of(self, sample: str) -> int | None:
        return self.limit.get(sample) if isinstance(self.limit, Mapping) else self.limit

    def read_sample(self, sample: str, path: Path, limit: int | None = None) -> Entries:
        """Read one file whole, at most `limit` entries of it; raise `UserError` where it cannot be used."""
        if limit is not None and limit < 1:
            raise UserError(f"data.limit={limit} for {sample}; a positive number of entries is needed")
        with open_hdf5(path) as file:
            return self._without_nonfinite(self.read_weighted(file, sample, limit), sample, path)

    def read_weighted(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read entries as `read` does, with the weights of their rows where the file has any."""
        entries = self.read(file, sample, limit, rows)
        weight = read_weights(file, self.source(file).shape[0], entries.index)
        return entries if weight is None else replace(entries, batch=entries.batch._replace(weight=weight))

    def _without_nonfinite(self, entries: Entries, sample: str, path: Path) -> Entries:
        finite = torch.isfinite(entries.batch.x).flatten(1).all(1).numpy()
        n_bad = int((~finite).sum())
        if not n_bad:
            return entries
        if self.on_nonfinite == "refuse":
            raise UserError(
                f"{n_bad} of {len(entries)} entries of {sample} hold NaN or inf ({path}); "
                "mend the file, or leave those entries out with data.on_nonfinite=drop"
            )
        if n_bad == len(entries):
            raise UserError(f"every entry of {sample} holds NaN or inf ({path})")
        return replace(entries.rows(np.flatnonzero(finite)), dropped=n_bad)

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """Shape of one entry, inferred from the background's file."""
        return tuple(self.train_entries.batch.x.shape[1:])

    @property
    def symmetries(self) -> Mapping[str, Mapping[int, Callable[[torch.Tensor], torch.Tensor]]]:
        """What an ideal score does not see: name → step → transformation of `(B, *entry_shape)`, no identity."""
        return {}

    def training_rows(self, half: str) -> NDArray[np.int64]:
        """Return the rows of the background in the `first`, or the `second`, half of its training part."""
        assert self._entries is not None
        return self.split_entries(self._entries[self.background], half).train

    @property
    def test_samples(self) -> list[str]:
        """Names of the tested samples, in the order of `test_dataloader`."""
        return list(self.test_entries)

    @property
    def process(self) -> tuple[int, int]:
        """Rank of this process and how many there are; (0, 1) outside a training on several devices."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of the background's training part, or this process's share of each."""
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
        """Batches of the background's validation part, in the order of the split."""
        return self._in_order(self.val_entries)

    def test_dataloader(self) -> list[BatchLoader]:
        """One loader per tested sample."""
        return [self._in_order(entries) for entries in self.test_entries.values()]

    def _in_order(self, entries: Entries) -> BatchLoader:
        """Batches of the entries, or of every n-th one where n processes share them: none is seen twice."""
        rank, world_size = self.process
        batch = entries.batch if world_size == 1 else take_rows(entries.batch, slice(rank, None, world_size))
        return BatchLoader(batch, 4 * self.batch_size)

    def split_hashes(self) -> dict[str, str]:
        """SHA-256 of the row numbers of each part of the split, to compare runs by."""
        parts = {"train": self.split.train, "val": self.split.val, "test": self.split.test}
        return {name: rows_sha256(rows) for name, rows in parts.items()}
