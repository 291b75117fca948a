"""Any table of named columns."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import EVENT_FEATURES_DATASET, Structure
from hepad.data.columns import Columns, as_float32
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.jet_table import check_features
from hepad.data.memory import check_fits
from hepad.data.trivial_scores import DistanceToMean
from hepad.data.truth import DEFAULT

_N_PROFILES = 4


class TableDataModule(AnomalyDataModule):
    """Rows of named columns, whatever they mean: one entry is the `(F,)` vector of one row.

    Read is a data set `(N, F)` that names its columns in the attribute `features`, or whose columns `columns` names; or
    one data set `(N,)` for each column (`hepad.data.columns`). All columns of the file are observables, also those that
    are no features.

    Args:
        dataset: name of the data set `(N, F)`; None for the only one of a file. Samples that ship with hepad are those
            that hold it, or else `event_features`.
        columns: names of its columns, where it has no attribute `features`.
        features: names of the columns to use, in this order; None for all that the background's file holds but those of
            the context and of the truth; `label` is none of them, whatever `truth` names.
        loudness: the column by which signal and reference are matched for the comparison at equal loudness, and which
            is a trivial score itself; None for no such comparison.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import TableDataModule
    >>> data = TableDataModule(samples={}, background="zero_bias", features=["ht", "met", "n_jets"], limit=1000)
    >>> data.setup()
    >>> data.entry_shape, data.test_samples[:2]
    ((3,), ['jet_ht', 'radion'])
    >>> sorted(data.trivial_scores(data.test_entries["ttbar"]))
    ['distance_to_mean', 'isolation_forest', 'mahalanobis']
    """

    kind: ClassVar[str] = "table"
    structure: ClassVar[Structure] = "vector"
    datasets: ClassVar[tuple[str, ...]] = (EVENT_FEATURES_DATASET,)

    def __init__(
        self,
        *,
        dataset: str | None = None,
        columns: Sequence[str] | None = None,
        features: Sequence[str] | None = None,
        loudness: str | None = None,
        **common: Any,
    ) -> None:
        self.dataset = dataset
        super().__init__(**common)
        for key, names in (("columns", columns), ("features", features)):
            if twice := next((name for name in names or () if list(names or ()).count(name) > 1), None):
                raise UserError(f"data.{key} names {twice!r} twice")
        self.columns = columns
        self.features = None if features is None else tuple(features)
        self.loudness = loudness

    @property
    def bundled_datasets(self) -> tuple[str, ...]:
        """The data set that the user names, else `event_features`."""
        return self.datasets if self.dataset is None else (self.dataset,)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one entry."""
        if self.features is None:
            with open_hdf5(self.files[self.background]) as file:
                names = self._columns(file).names
            kept = tuple(name for name in names if name not in (*self.context_names, self.truth, DEFAULT))
            if not kept:
                raise UserError(
                    f"{self.files[self.background]} has no column that is neither context nor truth: {', '.join(names)}"
                )
            self.features = kept
        return self.features

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features in their order."""
        return {"features": list(self.feature_names)}

    def setup(self, stage: str | None = None) -> None:
        """Read every sample, and choose what the score is drawn against: the loudness, then the first features."""
        super().setup(stage)
        first = [] if self.loudness is None else [self.loudness]
        self.profile_features = tuple(dict.fromkeys([*first, *self.feature_names]))[:_N_PROFILES]

    def _columns(self, file: h5py.File) -> Columns:
        return Columns(file, self.dataset, self.columns)

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the table, or the first of its columns where each is a data set."""
        columns = self._columns(file)
        check_features(file, self.feature_names, columns.names)
        return columns.source(self.feature_names)

    def numbers_of_row(self, file: h5py.File) -> int:
        """Return those of all columns, features and observables."""
        columns = self._columns(file)
        wanted = self.feature_names
        return len(wanted) + 2 * len(columns.beside(wanted, columns.n_rows(wanted)))

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the rows of one sample as entries of shape `(F,)`."""
        columns = self._columns(file)
        check_features(file, self.feature_names, columns.names)
        n_rows = columns.n_rows(self.feature_names)
        if not n_rows:
            raise UserError(f"sample {sample} is empty: {file.filename} holds a table of no rows")
        part = rows or slice(0, n_rows if limit is None else min(limit, n_rows))
        # A part of a file that does not fit into memory is scored, and compared with nothing.
        observed = tuple(name for name in self.context_names if name in columns.names)
        if self.observes(rows):
            observed = columns.beside(self.feature_names, n_rows)
            self._check_loudness(file, sample, observed)
        if rows is None:
            check_fits(4 * part.stop * (len(self.feature_names) + 2 * len(observed)), sample, file.filename)
        values = columns.read(dict.fromkeys([*self.feature_names, *observed]), part)
        x = as_float32([values[name] for name in self.feature_names])
        return Entries(
            Batch(torch.from_numpy(x)),
            index=part.start + np.arange(len(x)),
            observables={name: values[name].astype(np.float64) for name in observed},
        )

    def _check_loudness(self, file: h5py.File, sample: str, observed: Sequence[str]) -> None:
        """Refuse a loudness that the background lacks; another sample without it is not compared at equal loudness."""
        if sample == self.background and self.loudness is not None and self.loudness not in observed:
            raise UserError(
                f"data.loudness={self.loudness} is no column of {file.filename}; allowed: {', '.join(observed)}, or "
                "null for no comparison at equal loudness"
            )

    @cached_property
    def _distance_to_mean(self) -> DistanceToMean:
        return DistanceToMean(self.baseline_entries.batch.x, self.baseline_entries.batch.weight)

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """The loudness where one is named, and squared distance to the mean training row in standard units."""
        known = self.loudness is not None and self.loudness in entries.observables
        loud = {"sum_pt": entries.observables[str(self.loudness)]} if known else {}
        return {**loud, "distance_to_mean": self._distance_to_mean(entries.batch.x)}
