"""Whole events: all jet slots at once, with a mask of the real ones."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, read_rows, safe_dataset
from hepad.core.schema import EVENT_FEATURES, EVENT_FEATURES_DATASET, JET_DATASET, Structure
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.event_weights import mean_and_scale
from hepad.data.jet_table import JetTable, check_features, columns_of
from hepad.data.memory import check_rows_fit

_MIN_JETS: Final = 2


class EventsDataModule(AnomalyDataModule):
    """Events as `(S, F)` arrays of jets by falling pT, zero padded, with a mask `(S,)` of the real ones.

    Events without any jet are entries like all others: leaving them out would make the false-positive rate of
    zero-bias data look worse than it is.

    Observables made of the entry itself are `sum_pt`, Σ pT of its jets, `n_slots`, how many there are (at most S), and
    `leading_pt`. `ht` and `n_jets` are what the file's `event_features` say of the whole event (`hepad.core.schema`).

    Args:
        features: names of the jet features to use, in this order; null for all that the background's file holds.
        padding: what tells empty slots: `auto`, `none`, `mask` or a column (`hepad.data.jet_table`).
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import EventsDataModule
    >>> data = EventsDataModule(samples={}, background="zero_bias", limit=1000)
    >>> data.setup()
    >>> data.entry_shape, len(data.train_entries)
    ((8, 17), 600)
    >>> batch = next(iter(data.train_dataloader()))
    >>> batch.x.shape, batch.mask.shape
    (torch.Size([512, 8, 17]), torch.Size([512, 8]))
    """

    kind: ClassVar[str] = "events"
    structure: ClassVar[Structure] = "set"
    datasets: ClassVar[tuple[str, ...]] = (JET_DATASET,)
    profile_features: tuple[str, ...] = ("sum_pt", "n_slots", "ht", "met", "n_pileup")

    def __init__(self, *, features: Sequence[str] | None = None, padding: str = "auto", **common: Any) -> None:
        super().__init__(**common)
        self.features = None if features is None else tuple(features)
        self.padding = padding

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one slot."""
        if self.features is None:
            self.features = columns_of(self.files[self.background])
        return self.features

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features in their order."""
        return {"features": list(self.feature_names)}

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of jets by event."""
        return safe_dataset(file, JET_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the events of one sample as entries of shape `(S, F)`."""
        table = JetTable(file, sample)
        check_features(file, self.feature_names, table.names)
        part = rows or slice(0, table.n_rows if limit is None else min(limit, table.n_rows))
        check_rows_fit(table.dataset, part, sample)
        jets, mask = table.read(part, self.padding)
        if rows is None and not mask.any():
            raise UserError(f"no jets at all in {file.filename} (sample {sample})")
        # Some files pad with other numbers than 0; empty is empty.
        jets = np.where(mask[..., None], jets, np.float32(0))
        observables = {"n_slots": mask.sum(axis=1, dtype=np.float64)}
        if "pt" in table.names:
            pt = jets[..., table.names.index("pt")].astype(np.float64)
            observables = {"sum_pt": pt.sum(axis=1), **observables, "leading_pt": pt.max(axis=1)}
        if self.observes(rows):
            observables |= read_event_features(file, len(jets), skip=observables, start=part.start)
        x = np.ascontiguousarray(jets[..., [table.names.index(name) for name in self.feature_names]])
        n_empty = int((~mask).sum())
        return Entries(
            Batch(torch.from_numpy(x), torch.from_numpy(mask)),
            index=part.start + np.arange(len(jets)),
            observables=observables,
            left_out={"empty slots": n_empty} if n_empty else {},
        )

    def check_training_part(self, train: Entries) -> None:
        """Refuse events with fewer than two jets in all: one has no spread to be normalised by."""
        assert train.batch.mask is not None
        n_jets = int(train.batch.mask.sum())
        if n_jets < _MIN_JETS:
            raise UserError(
                f"{n_jets} real {'jet' if n_jets == 1 else 'jets'} in the {len(train)} training events of "
                f"{self.background} ({self.files[self.background]}); at least {_MIN_JETS} are needed to learn from"
            )

    @cached_property
    def _center_and_scale(self) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.baseline_entries.batch
        assert batch.mask is not None
        of_jets = None if batch.weight is None else batch.weight.unsqueeze(1).expand(batch.mask.shape)[batch.mask]
        return mean_and_scale(batch.x[batch.mask].double(), of_jets)

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Σ pT of the jets, their number, and squared distance to the mean training jet, summed, in standard units."""
        center, scale = self._center_and_scale
        mask = entries.batch.mask
        assert mask is not None
        distance = ((entries.batch.x.double() - center) / scale).square().sum(dim=2)
        named = {"sum_pt": "sum_pt", "multiplicity": "n_slots"}
        found = {score: entries.observables[name] for score, name in named.items() if name in entries.observables}
        return {
            **found,
            "distance_to_mean": (distance * mask).sum(dim=1).numpy(),
        }


def read_event_features(
    file: h5py.File, n_events: int, skip: Collection[str] = (), start: int = 0
) -> dict[str, NDArray[np.float64]]:
    """Return name → `(n_events,)` from `event_features`, all but the names in `skip`; nothing where the file has none.

    From the row `start` on.

    Raises:
        UserError: no table, or fewer rows than there are events.
    """
    return read_table(file, EVENT_FEATURES_DATASET, EVENT_FEATURES, n_events, "event", skip, start)


def read_table(
    file: h5py.File,
    name: str,
    default: tuple[str, ...],
    n_rows: int,
    entry: str,
    skip: Collection[str] = (),
    start: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a table beside the entries, name → `(n_rows,)`; nothing where the file has none.

    Args:
        file: an open file.
        name: of the data set, `(N, F)`.
        default: names of its columns where it has none of its own.
        n_rows: how many rows are read.
        entry: what a row stands for, for messages.
        skip: columns to leave out.
        start: the first of these rows.

    Raises:
        UserError: another shape, or fewer rows than there are entries.
    """
    if not has_dataset(file, name):
        return {}
    dataset = safe_dataset(file, name)
    where = f"{file.filename}:/{name}"
    if dataset.ndim != 2:
        raise UserError(f"{where} has shape {dataset.shape}; ({entry}s, columns) is needed")
    names = feature_names(dataset, default)
    if dataset.shape[0] < start + n_rows:
        n_needed = start + n_rows
        raise UserError(f"{where} has {dataset.shape[0]} rows for {n_needed} {entry}s; one row per {entry} is needed")
    values = read_rows(dataset, start, start + n_rows).astype(np.float64)
    return {column: values[:, i] for i, column in enumerate(names) if column not in skip}
