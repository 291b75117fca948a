"""Whole events: all jet slots at once, with a mask of the real ones."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.batch import Batch
from hepad.data.datamodule import AnomalyDataModule, Entries
from hepad.data.event_weights import mean_and_spread
from hepad.data.jets import read_jets
from hepad.errors import UserError
from hepad.hdf5 import feature_names, first_row, has_dataset, read_rows, safe_dataset
from hepad.schema import EVENT_FEATURES, EVENT_FEATURES_DATASET, JET_DATASET, JET_FEATURES

_MIN_JETS: Final = 2


class EventsDataModule(AnomalyDataModule):
    """Events as `(S, F)` arrays of jets by falling pT, zero padded, with a mask `(S,)` of the real ones.

    Events without any jet are entries like all others: leaving them out would make the false-positive rate of
    zero-bias data look worse than it is.

    Observables made of the entry itself are `sum_pt`, Σ pT of its jets, `n_slots`, how many there are (at most S), and
    `leading_pt`. `ht` and `n_jets` are what the file's `event_features` say of the whole event (`hepad.schema`).

    Args:
        features: names of the jet features to use, in this order; null for all.
        common: the arguments of `AnomalyDataModule`.
    """

    kind: ClassVar[str] = "events"
    datasets: ClassVar[tuple[str, ...]] = (JET_DATASET,)
    profile_features: ClassVar[tuple[str, ...]] = ("sum_pt", "n_slots", "ht", "met", "n_pileup")

    def __init__(self, *, features: Sequence[str] | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.features = None if features is None else tuple(features)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one slot."""
        return tuple(self.features or JET_FEATURES)

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features in their order."""
        return {"features": list(self.feature_names)}

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of jets by event."""
        return safe_dataset(file, JET_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the events of one sample as entries of shape `(S, F)`."""
        jets, names = read_jets(file, sample, rows)
        jets = jets[:limit]
        if missing := [name for name in self.feature_names if name not in names]:
            raise UserError(
                f"{file.filename} has no feature {', '.join(missing)}; it has: {', '.join(names)} (data.features)"
            )
        # A NaN pT is no empty slot: it is kept here so that the check for NaN sees it.
        mask = ~(jets[..., names.index("pt")] <= 0)
        if rows is None and not mask.any():
            raise UserError(f"no jets at all in {file.filename} (sample {sample})")
        # Some files pad with other numbers than 0; empty is empty.
        jets = np.where(mask[..., None], jets, np.float32(0))
        pt = jets[..., names.index("pt")].astype(np.float64)
        observables = {
            "sum_pt": pt.sum(axis=1),
            "n_slots": mask.sum(axis=1, dtype=np.float64),
            "leading_pt": pt.max(axis=1),
        }
        if rows is None:
            observables |= read_event_features(file, len(jets), skip=observables)
        x = np.ascontiguousarray(jets[..., [names.index(name) for name in self.feature_names]])
        index = first_row(rows) + np.arange(len(jets))
        return Entries(Batch(torch.from_numpy(x), torch.from_numpy(mask)), index=index, observables=observables)

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
        batch = self.train_entries.batch
        assert batch.mask is not None
        of_jets = None if batch.weight is None else batch.weight.unsqueeze(1).expand(batch.mask.shape)[batch.mask]
        mean, scale = mean_and_spread(batch.x[batch.mask].double(), of_jets)
        return mean, torch.where(scale > 0, scale, torch.ones_like(scale))

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Σ pT of the jets, their number, and squared distance to the mean training jet, summed, in standard units."""
        center, scale = self._center_and_scale
        mask = entries.batch.mask
        assert mask is not None
        distance = ((entries.batch.x.double() - center) / scale).square().sum(dim=2)
        return {
            "sum_pt": entries.observables["sum_pt"],
            "multiplicity": entries.observables["n_slots"],
            "distance_to_mean": (distance * mask).sum(dim=1).numpy(),
        }


def read_event_features(file: h5py.File, n_events: int, skip: Collection[str] = ()) -> dict[str, NDArray[np.float64]]:
    """Return name → `(n_events,)` from `event_features`, all but the names in `skip`; nothing where the file has none.

    Raises:
        UserError: fewer rows than there are events.
    """
    if not has_dataset(file, EVENT_FEATURES_DATASET):
        return {}
    dataset = safe_dataset(file, EVENT_FEATURES_DATASET)
    names = feature_names(dataset, EVENT_FEATURES)
    if dataset.shape[0] < n_events:
        raise UserError(
            f"{file.filename}:/{EVENT_FEATURES_DATASET} has {dataset.shape[0]} rows for {n_events} events; "
            "one row per event is needed"
        )
    values = read_rows(dataset, stop=n_events).astype(np.float64)
    return {name: values[:, i] for i, name in enumerate(names) if name not in skip}
