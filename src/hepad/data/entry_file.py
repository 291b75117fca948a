"""Entries written as a file that their datamodule reads: the layout of docs/data_formats.md for each kind of data."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.schema import (
    CALO_DATASET,
    CALO_DATASET_CICADA,
    CONSTITUENT_FEATURES,
    EVENT_IMAGE_DATASET,
    JET_CONSTITUENTS_DATASET,
    JET_DATASET,
    JET_IMAGE_DATASET,
    MASK_DATASET,
    PT_COLUMNS,
    SHOWER_DATASET,
    TABLE_DATASET,
)

KINDS: Final = ("jets", "events", "calo", "jet_images", "constituents", "table", "showers")

_ROWS_PER_CHUNK: Final = 1024
_LARGEST_LOG: Final = np.float32(80)
_SMALLEST_SHARE: Final = np.float32(1e-6)


class EntryFile:
    """An HDF5 file of `n` entries, written block by block; the same entries make the same bytes.

    Jets and events become `jet_event_data` with a `mask`, since a made-up jet may have any pT; a jet is an event of one
    slot. The jets of an event are put in the order of their pT where they have one. Constituents of a jet become
    `jet_constituents` around η = φ = 0, by falling pT, which is in parts of 1 GeV where they are shares. A table is one
    data set `table` with the names of its columns. Images have their channels last, or no such axis where there is one
    channel. Numbers are stored as they are, float32.

    Args:
        file: an open file.
        kind: of the data (`AnomalyDataModule.kind`).
        n: how many entries there will be.
        features: names of the columns, where entries have any.
        dataset: name of the data set, where entries are images of events or rows of a table.

    Raises:
        UserError: a kind of data that has no layout.
    """

    def __init__(
        self, file: h5py.File, kind: str, n: int, features: Sequence[str] | None = None, dataset: str | None = None
    ) -> None:
        if kind not in KINDS:
            raise UserError(f"there is no layout of files for data of kind {kind!r}; there is for {', '.join(KINDS)}")
        self.file = file
        self.kind = kind
        self.n = n
        self.is_log = features is not None and PT_COLUMNS["log"] in features
        names = CONSTITUENT_FEATURES if kind == "constituents" else features
        self.features = None if names is None else list(names)
        calo_names = (CALO_DATASET_CICADA, EVENT_IMAGE_DATASET)
        self.image_dataset = dataset if kind == "calo" and dataset in calo_names else CALO_DATASET
        self.table = dataset or TABLE_DATASET
        self.n_written = 0

    def add(self, entries: Batch) -> None:
        """Write the next entries."""
        stop = self.n_written + len(entries.x)
        for name, values in self._arrays(entries).items():
            if name not in self.file:
                self._create(name, values)
            self.file[name][self.n_written : stop] = values
        self.n_written = stop

    def _create(self, name: str, values: NDArray[Any]) -> None:
        dataset = self.file.create_dataset(
            name,
            (self.n, *values.shape[1:]),
            values.dtype,
            chunks=(min(_ROWS_PER_CHUNK, self.n), *values.shape[1:]),
            shuffle=True,
            compression="gzip",
            track_times=False,
        )
        if name != MASK_DATASET and self.features is not None:
            dataset.attrs["features"] = self.features

    def _arrays(self, entries: Batch) -> Mapping[str, NDArray[Any]]:
        x = entries.x.numpy().astype("<f4", copy=False)
        if self.kind == "jets":
            return {JET_DATASET: x[:, None], MASK_DATASET: np.ones((len(x), 1), dtype=np.uint8)}
        if self.kind == "table":
            return {self.table: x}
        if self.kind == "constituents":
            return {JET_CONSTITUENTS_DATASET: self._constituents(x, entries.mask)}
        if self.kind == "events":
            mask = np.ones(x.shape[:2], dtype=bool) if entries.mask is None else entries.mask.numpy()
            order = self._order(x, mask)
            mask = np.take_along_axis(mask, order, axis=1)
            x = np.where(mask[..., None], np.take_along_axis(x, order[..., None], axis=1), np.float32(0))
            return {JET_DATASET: x, MASK_DATASET: mask.astype(np.uint8)}
        if self.kind == "showers":
            return {SHOWER_DATASET: np.ascontiguousarray(x[:, 0])}
        images = x[:, 0] if x.shape[1] == 1 else np.moveaxis(x, 1, -1)
        return {JET_IMAGE_DATASET if self.kind == "jet_images" else self.image_dataset: np.ascontiguousarray(images)}

    def _constituents(self, x: NDArray[np.float32], mask: Tensor | None) -> NDArray[np.float32]:
        """Return pT, η and φ by falling pT; a slot is empty where its pT is 0."""
        pt = np.exp(np.minimum(x[..., 0], _LARGEST_LOG)) if self.is_log else np.maximum(x[..., 0], _SMALLEST_SHARE)
        pt = pt if mask is None else np.where(mask.numpy(), pt, np.float32(0))
        x = np.where(pt[..., None] > 0, np.concatenate([pt[..., None], x[..., 1:]], axis=-1), np.float32(0))
        order = np.argsort(-pt, axis=1, kind="stable")
        return np.take_along_axis(x, order[..., None], axis=1)

    def _order(self, x: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Slots by falling pT, the empty ones last; as they are where there is no pT."""
        if self.features is None or "pt" not in self.features:
            return np.argsort(~mask, axis=1, kind="stable")
        key = np.where(mask, -x[..., self.features.index("pt")], np.inf)
        return np.argsort(key, axis=1, kind="stable")
