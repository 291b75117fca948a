"""The base of all datamodules: samples, roles and their splits, batches."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.core.byte_sizes import parse_bytes
from hepad.core.errors import UserError
from hepad.core.inputs import Given
from hepad.core.regions import parse_regions
from hepad.core.roles import background_sample, check_folds, parse_contamination, parse_roles
from hepad.data.contamination import contamination_facts, mixed_in, thinned
from hepad.data.entries import Entries, join_entries
from hepad.data.part_loaders import PartLoaders
from hepad.data.parts import first_in_parts, refuse_trained, tested_part
from hepad.data.planing import planed_roles
from hepad.data.reading import check_shapes, sample_files
from hepad.data.row_scores import RowScores, read_row_scores, with_targets
from hepad.data.split import HALVES, Split, check_half, split_parts, split_rows
from hepad.data.streaming.budget import all_in_memory, exceeds, free_memory_budget
from hepad.data.streaming.samples import own_split, stream_samples
from hepad.data.tested_samples import TestedSamples
from hepad.data.training_roles import RoleEntries, split_sha256, take_roles
from hepad.data.trivial_baselines import TrivialBaselines
from hepad.data.truth import check_no_truth, require_truth


class AnomalyDataModule(TestedSamples, TrivialBaselines, PartLoaders):
    """Background for training and validation; its test part and every other sample for testing.

    Where `train` names roles (docs/roles.md), these stand for the background: `train_entries` and `val_entries` are
    those of all roles, one after the other, with `Batch.label`. Of a sample in a role only the test part is tested.
    A sample whose file says which entries are signal is tested as two, `<sample>` and `<sample>_signal`.

    A subclass says in `read` how one file becomes entries (`SampleReader`), and in `baselines` what the trivial scores
    are.

    Attributes:
        default_model: the model that was made for such data; None for the usual one of their structure.
        slots_of_events: entries are slots of events, of which a pT of 0 tells an empty one.
        profile_features: the observables that the score is drawn against.
        loudness: the column that stands in place of Σ pT, where the user names one.
        target_label: what the targets of the entries are, for figures; empty where there are none.

    Args:
        samples: sample name → its files (`hepad.formats.direct`); beside a bundled name they replace that sample, null
            leaves it out.
        bundled: start from the samples shipped with hepad.
        background: the sample to train on; with `train`, the one that signals are compared with.
        batch_size: entries per training batch.
        limit: at most this many entries of each sample, or a mapping sample → limit; null for all.
        on_nonfinite: `refuse` raises where an entry holds NaN or inf, `drop` leaves those entries out.
        seed: shuffles the training entries; the split does not depend on it.
        half: the `first` or the `second` half of the background's training part; None for all of it.
        train: roles, each with the keys `sample`, `region`, `label` and `weight` (`hepad.core.roles`); None for the
            background alone.
        regions: name → observable → intervals (`hepad.core.regions`).
        context: observables that a model is conditioned on, in `Batch.context`.
        truth: the data set or column that says which entries are signal, for testing alone (`hepad.data.truth`).
        folds, fold: of how many parts of every sample that is trained on which one is tested; None for the usual split.
        targets: a file of scores by sample and row, which `setup` makes the targets of the entries
            (`hepad.data.row_scores`); None for none.
        format: the preset that reads files of a public format (`hepad.formats`); None for none.
        contamination: how much signal is trained on (`hepad.data.contamination`); None for what the files hold.
        memory: bytes that entries may take, or a text such as `2GB`; None for 80% of what is free. Where all entries
            would take more, those that train are streamed from disk (docs/streaming.md).
    """

    default_model: ClassVar[str | None] = None
    slots_of_events: ClassVar[bool] = False
    profile_features: tuple[str, ...] = ()
    loudness: str | None = None

    def __init__(
        self,
        samples: Mapping[str, Given | None],
        background: str,
        bundled: bool = True,
        batch_size: int = 512,
        limit: int | Mapping[str, int] | None = None,
        on_nonfinite: str = "refuse",
        seed: int = 42,
        half: str | None = None,
        train: Sequence[Mapping[str, Any]] | None = None,
        regions: Mapping[str, Any] | None = None,
        context: Sequence[str] | None = None,
        truth: str | None = None,
        folds: int | None = None,
        fold: int | None = None,
        targets: str | None = None,
        format: str | None = None,
        contamination: Mapping[str, Any] | None = None,
        memory: str | float | None = None,
    ) -> None:
        super().__init__()
        if memory is not None and parse_bytes(memory) is None:
            raise UserError(f"data.memory={memory}: a number of bytes such as 2GB, 500MB or null is needed")
        check_half(half)
        if batch_size < 2:
            raise UserError(f"data.batch_size={batch_size}: batch normalisation needs at least 2 entries")
        if on_nonfinite not in ("refuse", "drop"):
            raise UserError(f"data.on_nonfinite={on_nonfinite}; allowed: refuse, drop")
        self.files = sample_files(samples, bundled, self.bundled_datasets, format)
        check_folds(folds, fold)
        self.regions = parse_regions(regions)
        self.given_roles = parse_roles(train, self.regions, self.files)
        if self.given_roles is not None and half is not None:
            raise UserError(f"data.half={half} halves one background; leave data.train out")
        self.background = background_sample(background, self.given_roles, self.files, bundled_files())
        self.contamination = parse_contamination(contamination, self.background, self.files, self.given_roles)
        self.context_names = tuple(context or ())
        if len(set(self.context_names)) < len(self.context_names):
            raise UserError(f"data.context=[{','.join(self.context_names)}] names an observable twice")
        check_no_truth(
            truth,
            {"data.context": self.context_names}
            | {f"data.regions.{name}": region.intervals for name, region in self.regions.items()},
        )
        self.truth = truth
        self.folds, self.fold = folds, fold
        self.batch_size = batch_size
        self.limit = limit
        self.on_nonfinite = on_nonfinite
        self.seed = seed
        self.half = half
        self.targets = None if targets is None else Path(targets).expanduser()
        self.memory = parse_bytes(memory)
        self.target_label = ""
        # A sample may have fewer entries than there are processes.
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self._entries: dict[str, Entries] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Read every sample once and split what is trained on; raise `UserError` for anything that cannot be used."""
        if self._entries is not None or self.streamed is not None:
            return
        self.budget = free_memory_budget() if self.memory is None else self.memory
        if self.budget is not None and self._streams(self.budget):
            return
        entries = {name: self.read_sample(name, path, self.limit_of(name)) for name, path in self.files.items()}
        check_shapes(entries, self.background, self.files)
        require_truth(self.truth, entries.values())
        roles = self.roles
        self.splits = {role.sample: self._split(entries[role.sample], self.half) for role in roles}
        self.split = self.splits[roles[0].sample]
        if self.given_roles is None:
            background = entries[self.background]
            # Halves are trained on one after the other: what cannot train either is found before both.
            for half in (None,) if self.half is None else HALVES:
                self.check_training_part(background.rows(self._split(background, half).train))
        self.role_entries: list[RoleEntries] = take_roles(roles, self.regions, entries, self.splits, self.files)
        if self.contamination is not None and (signal := self.contamination.sample) is not None:
            self.splits[signal] = self._split(entries[signal], self.half)
            role = mixed_in(self.contamination, self.role_entries[0], entries[signal], self.splits[signal])
            self.role_entries.append(role)
        self.as_read = join_entries([found.train for found in self.role_entries])
        if self.planing and self.protected is not None:
            self.role_entries = planed_roles(self.role_entries, self.protected)
        train = [found.train for found in self.role_entries]
        self.train_entries = join_entries(train) if self.planing else self.as_read
        self.val_entries = join_entries([found.val for found in self.role_entries])
        if self.given_roles is not None:
            self.check_training_part(self.train_entries)
        self._tested = {}
        for sample, found in entries.items():
            trained = self._trained_sample(sample)
            test = entries[trained].rows(self.splits[trained].test) if trained is not None else tested_part(found)
            self._tested[sample] = test
        if any(entries[sample].part is not None for sample in self.splits):
            refuse_trained([self.train_entries, self.val_entries], self._tested)
        self._set_tests()
        self._entries = entries
        if self.targets is not None:
            self.set_targets(read_row_scores(self.targets, self.files), f"data.targets={self.targets}")

    def _streams(self, budget: int) -> bool:
        """Stream what is trained on, where all entries would take more than the budget; return whether that is so."""
        probes = exceeds(self, self.files, budget)
        if not probes:
            return False
        in_parts = first_in_parts(self.files)
        needs = {
            "data.targets": self.targets is not None,
            "data.folds": self.folds is not None,
            "data.contamination": self.contamination is not None,
            "decorrelate.planing": self.planing,
            f"data.samples.{in_parts} with files of its own for each part": in_parts is not None,
            own_split(self): bool(own_split(self)),
        }
        for what in (name for name, needed in needs.items() if needed):
            raise all_in_memory(what, sum(found.needed for found in probes.values()), budget)
        by_row = self.split_unit == "row"
        streamed = stream_samples(self, self.files, probes, budget, by_row, lambda n: self._split_units(n, self.half))
        check_shapes(streamed.tested, self.background, self.files)
        require_truth(self.truth, streamed.tested.values())
        self.role_entries = streamed.role_entries
        self.train_entries = self.as_read = join_entries([found.train for found in self.role_entries])
        self.val_entries = join_entries([found.val for found in self.role_entries])
        self.check_training_part(self.train_entries)
        self._tested = dict(streamed.tested)
        self._set_tests()
        self.streamed = streamed
        return True

    def set_targets(self, scores: Mapping[str, RowScores], origin: str) -> None:
        """Let every entry carry the score of its row as its target; a `UserError` begins with `origin`."""
        self.require_all(origin)

        def known(sample: str, entries: Entries) -> Entries:
            return with_targets(entries, scores[sample], f"{origin}: {sample}")

        test = {name: known(self._sample_of[name], entries) for name, entries in self.test_entries.items()}
        roles = self.role_entries
        self.train_entries = join_entries([known(found.role.sample, found.train) for found in roles])
        self.val_entries = join_entries([known(found.role.sample, found.val) for found in roles])
        self.test_entries = test

    def require_all(self, what: str) -> None:
        """Raise `UserError` for what needs all entries in memory, where they are streamed."""
        if self.streamed is not None:
            raise all_in_memory(what, self.streamed.needed, self.streamed.memory)

    @property
    def split_unit(self) -> str:
        """Unit that `split_entries` splits: each `entry`, or each `row` with all its entries."""
        return "entry"

    def split_entries(self, background: Entries, half: str | None) -> Split:
        """Split the entries of a sample in a role; entries that share anything belong in one part.

        A subclass that splits in its own way is not streamed, unless it says what is split in `split_unit`.
        """
        return self._split_units(len(background), half)

    def _split_units(self, n: int, half: str | None = None) -> Split:
        return split_rows(n, half, self.folds, self.fold)

    def _split(self, entries: Entries, half: str | None) -> Split:
        """Split the entries of a sample as its files say, or as `split_entries` does, with as much signal as wanted."""
        if entries.part is None:
            split = self.split_entries(entries, half)
        elif self.folds is not None:
            raise UserError(f"data.folds={self.folds}: files for train and for test say what is tested; leave it out")
        else:
            split = split_parts(entries.part, entries.index, half)
        if self.contamination is None or self.contamination.sample is not None or entries.truth is None:
            return split
        return thinned(split, entries.truth, self.contamination)

    def check_training_part(self, train: Entries) -> None:
        """Raise `UserError` where there is nothing in the training entries to learn from; here there always is."""
        return

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """Shape of one entry, inferred from the background's file."""
        return tuple(self.train_entries.batch.x.shape[1:])

    def training_rows(self, half: str) -> NDArray[np.int64]:
        """Return the rows of the background in the `first`, or the `second`, half of its training part."""
        assert self._entries is not None
        return self._split(self._entries[self.background], half).train

    @property
    def trained_on(self) -> str:
        """The roles in words, and the signal among them where the user says so."""
        return ", ".join(map(str, filter(None, (super().trained_on, self.contamination))))

    @property
    def trained_samples(self) -> list[str]:
        """Names of the samples of which entries train, that of the contamination among them."""
        mixed = None if self.contamination is None else self.contamination.sample
        return [*super().trained_samples, *([] if mixed is None else [mixed])]

    def contamination_facts(self) -> dict[str, Any] | None:
        """Return how much signal trains and validates, as plain JSON values; None where nothing is said of it."""
        if self.contamination is None:
            return None
        truths = {} if self._entries is None else {name: found.truth for name, found in self._entries.items()}
        return contamination_facts(self.contamination, self.role_entries, truths)

    def split_hashes(self) -> dict[str, str]:
        """SHA-256 of the row numbers of each part of the splits, to compare runs by."""
        if self.streamed is not None:
            return self.streamed.split_sha256
        return split_sha256(self.role_entries, self.splits)
