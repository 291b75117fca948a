"""Single jets."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import row_steps, safe_dataset
from hepad.core.schema import JET_DATASET, Structure
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.jet_table import JetTable, check_features, columns_of
from hepad.data.memory import check_fits
from hepad.data.split import Split, split_groups
from hepad.data.trivial_scores import DistanceToMean

SPLITS: Final = ("events", "entries")


class JetsDataModule(AnomalyDataModule):
    """Jets taken out of their events: `jet_event_data` `(N, S, F)` flattened, empty slots left out.

    One entry is the `(F,)` feature vector of one jet. The split is made over events: jets of one event share their
    collision, pileup and detector, and none of them is tested where another was trained on.

    Args:
        features: names of the features to use, in this order; null for all that the background's file holds.
        padding: what tells empty slots: `auto`, `none`, `mask` or a column (`hepad.data.jet_table`).
        min_pt: keep jets above this pT (GeV); 0 keeps all.
        split: `events`, or `entries` to split flattened jets as the workshop did, where jets of one event fall on both
            sides.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import JetsDataModule
    >>> data = JetsDataModule(samples={}, background="zero_bias", features=["pt", "eta", "mass"], limit=1000)
    >>> data.setup()
    >>> data.entry_shape, data.feature_names
    ((3,), ('pt', 'eta', 'mass'))
    >>> len(data.train_entries), len(data.val_entries), len(data.test_entries["zero_bias"])
    (611, 197, 192)
    >>> next(iter(data.train_dataloader())).x.shape
    torch.Size([512, 3])
    """

    kind: ClassVar[str] = "jets"
    structure: ClassVar[Structure] = "vector"
    slots_of_events: ClassVar[bool] = True
    datasets: ClassVar[tuple[str, ...]] = (JET_DATASET,)
    profile_features: tuple[str, ...] = ("pt", "eta", "nConstituents", "btagDeepFlavB")

    def __init__(
        self,
        *,
        features: Sequence[str] | None = None,
        padding: str = "auto",
        min_pt: float = 0.0,
        split: str = "events",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if split not in SPLITS:
            raise UserError(f"data.split={split}; allowed: {', '.join(SPLITS)}")
        self.split_by = split
        self.features = None if features is None else tuple(features)
        self.padding = padding
        self.min_pt = min_pt

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one entry."""
        if self.features is None:
            self.features = columns_of(self.files[self.background])
        return self.features

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features in their order, and which jets are entries."""
        return {"features": list(self.feature_names), "min_pt": self.min_pt}

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of jets by event."""
        return safe_dataset(file, JET_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the jets of one sample as entries of shape `(F,)`, no more of the file than `limit` needs."""
        table = JetTable(file, sample)
        check_features(file, self.feature_names, table.names)
        if self.min_pt > 0 and "pt" not in table.names:
            raise UserError(f"data.min_pt={self.min_pt:g}: {file.filename} has no feature 'pt'")
        # Of a part of a file that is scored nothing but the context is compared with anything.
        wanted = table.names if self.observes(rows) else [name for name in table.names if name in self.context_names]
        parts: list[Entries] = []
        for step in row_steps(table.dataset) if rows is None else [rows]:
            parts.append(self._read_step(table, step, wanted))
            n_read = sum(len(part) for part in parts)
            if limit is not None and n_read >= limit:
                break
            if rows is None and step.start == 0 and limit is None:
                check_fits(4 * n_read * len(table.names) * 3 * table.n_rows // step.stop, sample, file.filename)
        found = _joined(parts, limit)
        if rows is None and not len(found):
            above = f" with pT > {self.min_pt:g} GeV" if self.min_pt > 0 or "pt" in table.names else ""
            raise UserError(f"no jets{above} in {file.filename} (sample {sample})")
        return found

    def _read_step(self, table: JetTable, step: slice, wanted: Sequence[str]) -> Entries:
        jets, real = table.read(step, self.padding)
        chosen = real
        if self.min_pt > 0:
            # A NaN pT is kept here so that the check for NaN sees it.
            chosen = real & ~(jets[..., table.names.index("pt")] <= self.min_pt)
        n_events, n_slots = real.shape
        x = jets.reshape(-1, jets.shape[2])
        if chosen.all():
            event = np.arange(step.start, step.start + n_events)
            event = event if n_slots == 1 else event.repeat(n_slots)
            slot = np.tile(np.arange(n_slots), n_events)
        else:
            event, slot = np.nonzero(chosen)
            event += step.start
            x = x.take(np.flatnonzero(chosen), axis=0)
        observables = {name: x[:, table.names.index(name)].astype(np.float64) for name in wanted}
        if self.feature_names != table.names:
            x = x.take([table.names.index(name) for name in self.feature_names], axis=1)
        counts = {
            "empty slots": real.size - int(np.count_nonzero(real)),
            f"jets of pT up to {self.min_pt:g} GeV": int(np.count_nonzero(real)) - int(np.count_nonzero(chosen)),
        }
        return Entries(
            Batch(torch.from_numpy(x)),
            index=event,
            observables=observables,
            slot=slot,
            left_out={reason: count for reason, count in counts.items() if count},
        )

    @property
    def split_unit(self) -> str:
        """Rows, where the jets of an event stay together."""
        return "entry" if self.split_by == "entries" else "row"

    def split_entries(self, background: Entries, half: str | None) -> Split:
        """Split jets by event, or one by one."""
        if self.split_by == "entries":
            return super().split_entries(background, half)
        return split_groups(background.index, half, self.folds, self.fold)

    @cached_property
    def _distance_to_mean(self) -> DistanceToMean:
        return DistanceToMean(self.baseline_entries.batch.x, self.baseline_entries.batch.weight)

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Jet pT, number of constituents, and squared distance to the mean training jet in standard units."""
        named = {"sum_pt": "pt", "multiplicity": "nConstituents"}
        found = {score: entries.observables[name] for score, name in named.items() if name in entries.observables}
        return {**found, "distance_to_mean": self._distance_to_mean(entries.batch.x)}


def _joined(parts: list[Entries], limit: int | None) -> Entries:
    """The first `limit` entries of several parts; what was left out is counted over all of them."""
    if len(parts) == 1 and (limit is None or len(parts[0]) <= limit):
        return parts[0]
    slots = [part.slot for part in parts if part.slot is not None]
    left_out: dict[str, int] = {}
    for part in parts:
        for reason, count in part.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + count
    return Entries(
        Batch(torch.cat([part.batch.x for part in parts])[:limit]),
        index=np.concatenate([part.index for part in parts])[:limit],
        observables={
            name: np.concatenate([part.observables[name] for part in parts])[:limit] for name in parts[0].observables
        },
        slot=np.concatenate(slots)[:limit],
        left_out=left_out,
    )
