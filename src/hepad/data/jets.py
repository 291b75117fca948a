"""Single jets."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.batch import Batch
from hepad.data.datamodule import AnomalyDataModule, Entries
from hepad.data.event_weights import mean_and_spread
from hepad.data.split import Split, split_groups
from hepad.errors import UserError
from hepad.hdf5 import feature_names, first_row, read_rows, safe_dataset
from hepad.schema import JET_DATASET, JET_FEATURES

SPLITS: Final = ("events", "entries")


class JetsDataModule(AnomalyDataModule):
    """Jets taken out of their events: `jet_event_data` `(N, S, F)` flattened, padded slots (pT = 0) dropped.

    One entry is the `(F,)` feature vector of one jet. The split is made over events: jets of one event share their
    collision, pileup and detector, and none of them is tested where another was trained on.

    Args:
        features: names of the features to use, in this order; null for all that the background's file holds.
        min_pt: keep jets above this pT (GeV).
        split: `events`, or `entries` to split flattened jets as the workshop did, where jets of one event fall on both
            sides.
        common: the arguments of `AnomalyDataModule`.
    """

    kind: ClassVar[str] = "jets"
    datasets: ClassVar[tuple[str, ...]] = (JET_DATASET,)
    profile_features: ClassVar[tuple[str, ...]] = ("pt", "eta", "nConstituents", "btagDeepFlavB")

    def __init__(
        self, *, features: Sequence[str] | None = None, min_pt: float = 0.0, split: str = "events", **common: Any
    ) -> None:
        super().__init__(**common)
        if split not in SPLITS:
            raise UserError(f"data.split={split}; allowed: {', '.join(SPLITS)}")
        self.split_by = split
        self.features = None if features is None else tuple(features)
        self.min_pt = min_pt

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one entry."""
        return tuple(self.features or JET_FEATURES)

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features in their order, and which jets are entries."""
        return {"features": list(self.feature_names), "min_pt": self.min_pt}

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of jets by event."""
        return safe_dataset(file, JET_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the jets of one sample as entries of shape `(F,)`."""
        jets, names = read_jets(file, sample, rows)
        wanted = self.feature_names
        if missing := [name for name in wanted if name not in names]:
            raise UserError(
                f"{file.filename} has no feature {', '.join(missing)}; it has: {', '.join(names)} (data.features)"
            )
        pt = jets[..., names.index("pt")]
        # A NaN pT is no empty slot: it is kept here so that the check for NaN sees it.
        event, slot = np.nonzero(~(pt <= self.min_pt))
        if rows is None and not len(event):
            raise UserError(f"no jets with pT > {self.min_pt:g} GeV in {file.filename} (sample {sample})")
        event, slot = event[:limit], slot[:limit]
        x = jets[event, slot]
        observables = {name: x[:, i].astype(np.float64) for i, name in enumerate(names)}
        x = np.ascontiguousarray(x[:, [names.index(name) for name in wanted]])
        return Entries(Batch(x=torch.from_numpy(x)), index=event + first_row(rows), observables=observables, slot=slot)

    def split_entries(self, background: Entries, train_on: str) -> Split:
        """Split jets by event, or one by one."""
        if self.split_by == "entries":
            return super().split_entries(background, train_on)
        return split_groups(background.index, train_on)

    @cached_property
    def _center_and_scale(self) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.train_entries.batch
        mean, scale = mean_and_spread(batch.x.double(), batch.weight)
        return mean, torch.where(scale > 0, scale, torch.ones_like(scale))

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Jet pT, number of constituents, and squared distance to the mean training jet in standard units."""
        center, scale = self._center_and_scale
        distance = ((entries.batch.x.double() - center) / scale).square().sum(dim=1)
        named = {"sum_pt": "pt", "multiplicity": "nConstituents"}
        found = {score: entries.observables[name] for score, name in named.items() if name in entries.observables}
        return {**found, "distance_to_mean": distance.numpy()}


def read_jets(file: h5py.File, sample: str, rows: slice | None = None) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return `jet_event_data` `(N, S, F)`, or some rows of it, as float32 and the names of its F columns.

    Raises:
        UserError: another shape, no events, or no column `pt`.
    """
    dataset = safe_dataset(file, JET_DATASET)
    if dataset.ndim != 3:
        raise UserError(f"{file.filename}:/{JET_DATASET} has shape {dataset.shape}; (events, jets, features) is needed")
    if not dataset.shape[0]:
        raise UserError(f"sample {sample} is empty: {file.filename}:/{JET_DATASET} holds no events")
    names = feature_names(dataset, JET_FEATURES)
    if "pt" not in names:
        raise UserError(f"{file.filename}:/{JET_DATASET} has no feature 'pt'; it has: {', '.join(names)}")
    return read_rows(dataset, first_row(rows), rows and rows.stop).astype(np.float32, copy=False), names
