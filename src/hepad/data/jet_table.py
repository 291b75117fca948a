"""Jets by event as a file holds them: a table of named columns with empty slots."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, open_hdf5, read_rows, safe_dataset
from hepad.core.schema import JET_DATASET, JET_FEATURES
from hepad.data.padding import real_slots


class JetTable:
    """`jet_event_data` `(N, S, F)` of an open file.

    Args:
        file: an open file.
        sample: for messages.

    Attributes:
        dataset: `(N, S, F)`, known to be safe to read.
        names: of its F columns.

    Raises:
        UserError: another shape, no events, or columns without names.
    """

    def __init__(self, file: h5py.File, sample: str) -> None:
        self.file = file
        self.dataset = safe_dataset(file, JET_DATASET)
        shape = self.dataset.shape
        if len(shape) != 3:
            fix = "; a table of single jets is written as array[:, None, :]" if len(shape) == 2 else ""
            raise UserError(
                f"{file.filename}:/{JET_DATASET} has shape {shape}; (events, jets, features) is needed{fix}"
            )
        if 0 in shape:
            raise UserError(f"sample {sample} is empty: {file.filename}:/{JET_DATASET} holds no events, shape {shape}")
        self.names = feature_names(self.dataset, JET_FEATURES)

    @property
    def n_rows(self) -> int:
        """How many events there are."""
        return int(self.dataset.shape[0])

    def read(self, rows: slice, padding: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return some rows as float32 `(n, S, F)`, and which slots of them hold a jet, `(n, S)`.

        Args:
            rows: with start and stop.
            padding: what tells empty slots (`hepad.data.padding`).
        """
        jets = read_rows(self.dataset, rows.start, rows.stop).astype(np.float32, copy=False)
        return jets, real_slots(self.file, jets, self.names, rows.start, padding)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of the columns of a file of jets."""
    with open_hdf5(path) as file:
        return JetTable(file, path.stem).names


def check_features(file: h5py.File, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise `UserError` where a file lacks features that are wanted; their order does not matter."""
    if missing := [name for name in wanted if name not in names]:
        shared = [name for name in wanted if name in names]
        advice = f"; data.features=[{','.join(shared)}] takes those that it has" if shared else ""
        raise UserError(f"{file.filename} has no feature {', '.join(missing)}; it has: {', '.join(names)}{advice}")
