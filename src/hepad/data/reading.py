"""Reading of samples: their files, and entries with weights, context, truth and the observables of regions."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import torch

from hepad.bundled import bundled_files
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5
from hepad.core.inputs import Given
from hepad.core.regions import Region
from hepad.core.roles import Role
from hepad.core.schema import ImageLabels, Structure
from hepad.data.entries import Entries
from hepad.data.event_weights import read_weights
from hepad.data.observed import add_observables, finite_entries, with_context, with_protected
from hepad.data.parts import has_parts, with_parts
from hepad.data.truth import DEFAULT, add_truth, check_no_truth
from hepad.formats.direct import direct_file


class SampleReader(ABC):
    """Entries of files. A subclass says in `source` and `read` how one file becomes entries; the rest is added here.

    Attributes:
        kind: the data set's own name, as in `data=…`: `jets`, `events`, `calo`, …
        structure: what an entry is (`hepad.core.schema`); models and losses ask for this alone.
        datasets: the HDF5 data sets that can be read.
        background: the sample that signals are compared with, whose file says what an entry is.
        given_roles: what is trained on; None for the background alone.
        regions, context_names, truth, limit, on_nonfinite, batch_size: see `hepad.data.AnomalyDataModule`.
        protected: the observable that scores should not follow; None for none.
        planing: entries that train are weighted such that it is flat (`hepad.data.planing`).
    """

    kind: ClassVar[str]
    structure: ClassVar[Structure]
    datasets: ClassVar[tuple[str, ...]]
    background: str
    given_roles: tuple[Role, ...] | None
    regions: Mapping[str, Region]
    context_names: tuple[str, ...]
    truth: str | None
    limit: int | Mapping[str, int] | None
    on_nonfinite: str
    batch_size: int
    protected: str | None = None
    planing: bool = False
    _observing: bool = False

    @abstractmethod
    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set whose rows become entries, known to be safe to read."""

    @abstractmethod
    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read at most `limit` entries of an open file.

        With `rows`, a `slice(start, stop)` of `source`, only those, for files that do not fit into memory: without the
        checks that need the whole sample, and without observables where `observes` says so.

        Raises:
            UserError: the file does not hold what this datamodule reads.
        """

    @property
    def bundled_datasets(self) -> tuple[str, ...]:
        """Names of data sets of which a sample that ships with hepad holds one, to be among the samples."""
        return self.datasets

    @property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features of one entry (last axis of vectors), or of the channels of an image."""

    @property
    @abstractmethod
    def entry_definition(self) -> dict[str, Any]:
        """Settings that make an entry of what a file holds: setting → plain value, after `setup`.

        A score is of use only for entries that were made in the same way.
        """

    @property
    def image_labels(self) -> ImageLabels:
        """Names of the pixels and the axes of an entry, where entries are images."""
        return ImageLabels()

    def in_plane(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return places `(B, S, 2)` of objects in a plane, by their last two features, and shares `(B, S)`; else None.

        Shares say how much of an entry an object is, 0 for an empty slot. None where objects lie in no plane.
        """
        return None

    @property
    def symmetries(self) -> Mapping[str, Mapping[int, Callable[[torch.Tensor], torch.Tensor]]]:
        """Transformations of `(B, *entry_shape)` that an ideal score does not see, by name and step; no identity."""
        return {}

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles that are trained on: those given, or the background alone."""
        return (Role(self.background),) if self.given_roles is None else self.given_roles

    @property
    def trained_samples(self) -> list[str]:
        """Names of the samples of which entries train."""
        return list(dict.fromkeys(role.sample for role in self.roles))

    @property
    def trained_on(self) -> str:
        """The roles in words, such as `data in sidebands, template`."""
        return ", ".join(map(str, self.roles))

    def protect(self, variable: str, planing: bool = False) -> None:
        """Give training and validation entries an observable that their scores should not follow, `Batch.protected`.

        To be called before `setup`.

        Args:
            variable: the observable.
            planing: weigh the entries such that it is flat (`hepad.data.planing`).
        """
        check_no_truth(self.truth, {"decorrelate.variable": [variable]})
        self.protected, self.planing = variable, planing

    def observes(self, rows: slice | None) -> bool:
        """Return whether `read` adds the observables that tests need: of a whole sample, and while `observing`.

        Also of a part where scores are decorrelated from one of them.
        """
        return rows is None or self._observing or self.protected is not None

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Let `read` add observables to the parts of a file too."""
        before, self._observing = self._observing, True
        try:
            yield
        finally:
            self._observing = before

    def numbers_of_row(self, file: h5py.File) -> int:
        """Return how many float32 numbers a row of a file takes at most once it is read, with its observables.

        Here those of its data set, each an observable of twice that size besides.
        """
        return 3 * int(math.prod(self.source(file).shape[1:]))

    def limit_of(self, sample: str) -> int | None:
        """Return how many entries of a sample are read at most; None for all."""
        return self.limit.get(sample) if isinstance(self.limit, Mapping) else self.limit

    def read_sample(self, sample: str, path: Path, limit: int | None = None) -> Entries:
        """Read one file whole, at most `limit` entries of it; raise `UserError` where it cannot be used."""
        if limit is not None and limit < 1:
            raise UserError(f"data.limit={limit} for {sample}; a positive number of entries is needed")
        with open_hdf5(path) as file:
            parts = has_parts(file)
            entries = self.read_weighted(file, sample, None if parts else limit)
            n_rows = self.source(file).shape[0]
            entries = add_truth(file, entries, self.truth, n_rows, self.named_features)
            entries = with_parts(file, entries, n_rows, limit) if parts else entries
        return without_nonfinite(entries, sample, path, self.on_nonfinite)

    def named_features(self) -> tuple[str, ...]:
        """Return the names of the columns of an entry; channels of images are no columns."""
        return self.feature_names if self.structure in ("vector", "set") else ()

    def read_weighted(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read entries as `read` does, with weights where the file has any, their context, and what regions cut in."""
        entries = self.read(file, sample, limit, rows)
        n_rows = self.source(file).shape[0]
        weight = read_weights(file, n_rows, entries.index)
        if weight is not None:
            entries = replace(entries, batch=entries.batch._replace(weight=weight))
        needed = dict.fromkeys(self.context_names, f"data.context=[{','.join(self.context_names)}]")
        names = list(self.context_names)
        if self.observes(rows):
            for role in self.roles:
                region = None if role.region is None else self.regions[role.region]
                if region is not None and role.sample == sample:
                    needed |= {name: f"data.regions.{region.name}" for name in region.intervals if name not in needed}
            names += [name for region in self.regions.values() for name in region.intervals]
        if self.protected is not None:
            names.append(self.protected)
            if sample in self.trained_samples:
                needed.setdefault(self.protected, f"decorrelate.variable={self.protected}")
        entries = add_observables(file, entries, names, n_rows, needed, self.truth or DEFAULT)
        return with_protected(with_context(entries, self.context_names), self.protected)


def without_nonfinite(entries: Entries, sample: str, path: Path, on_nonfinite: str) -> Entries:
    """Return entries without those that hold NaN or inf, in themselves or in their context.

    Raises:
        UserError: there are some and `on_nonfinite` is `refuse`, or all are such.
    """
    finite = finite_entries(entries)
    n_bad = int((~finite).sum())
    check_nonfinite(n_bad, len(entries), sample, path, on_nonfinite)
    if not n_bad:
        return entries
    return replace(entries.rows(np.flatnonzero(finite)), dropped=n_bad)


def check_nonfinite(n_bad: int, n_entries: int, sample: str, path: Path, on_nonfinite: str) -> None:
    """Raise `UserError` where entries hold NaN or inf and are not to be left out, or all of them would be."""
    if not n_bad:
        return
    if on_nonfinite == "refuse":
        raise UserError(
            f"{n_bad} of {n_entries} entries of {sample} hold NaN or inf ({path}); "
            "mend the file, or leave those entries out with data.on_nonfinite=drop"
        )
    if n_bad == n_entries:
        raise UserError(f"every entry of {sample} holds NaN or inf ({path})")


def check_shapes(entries: Mapping[str, Entries], background: str, files: Mapping[str, Path]) -> None:
    """Raise `UserError` where entries of a sample have another shape than those of the background."""
    shapes = {sample: tuple(found.batch.x.shape[1:]) for sample, found in entries.items()}
    wanted = shapes[background]
    for sample, shape in shapes.items():
        if shape != wanted:
            raise UserError(
                f"entries of {sample} have the shape {shape}, those of {background} {wanted}; "
                f"one shape is needed ({files[sample]})"
            )


def sample_files(
    samples: Mapping[str, Given | None], bundled: bool, datasets: tuple[str, ...], preset: str | None = None
) -> dict[str, Path]:
    """Return sample name → file.

    Args:
        samples: the user's own files, each a path, a glob, several, or such for each part of the split
            (`hepad.formats.direct`); beside a bundled name they replace it, None leaves the sample out.
        bundled: start from the samples shipped with hepad that hold one of `datasets`.
        datasets: names of the data sets that can be read.
        preset: the format of files that are none of hepad's own.

    Raises:
        UserError: a file that is not there, or no sample at all.
    """
    files: dict[str, Path] = {}
    if bundled:
        for name, path in bundled_files().items():
            with open_hdf5(path) as file:
                if any(has_dataset(file, dataset) for dataset in datasets):
                    files[name] = path
    for name, given in samples.items():
        if given is None:
            files.pop(name, None)
            continue
        files[name] = direct_file(given, f"data.samples.{name}", preset)
    if not files:
        raise UserError("no samples; name some with data.samples.<name>=FILE or use data.bundled=true")
    return files
