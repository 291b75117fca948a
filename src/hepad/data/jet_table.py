"""Jets by event as a file holds them: a table of named columns, and the rule that tells its empty slots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.core.misfits import check_has_features
from hepad.core.schema import JET_DATASET, JET_FEATURES, MASK_DATASET


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
        """Number of events."""
        return int(self.dataset.shape[0])

    def read(self, rows: slice, padding: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return some rows as float32 `(n, S, F)`, and which slots of them hold a jet, `(n, S)`.

        Args:
            rows: with start and stop.
            padding: what tells empty slots (`hepad.data.jet_table`).
        """
        jets = read_rows(self.dataset, rows.start, rows.stop).astype(np.float32, copy=False)
        return jets, real_slots(self.file, jets, self.names, rows.start, padding)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of the columns of a file of jets."""
    with open_hdf5(path) as file:
        return JetTable(file, path.stem).names


def check_features(file: h5py.File, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise `UserError` where a file lacks features that are wanted; their order does not matter."""
    check_has_features(file.filename, wanted, names)


AUTO: Final = "auto"
NONE: Final = "none"
_COLUMN: Final = "pt"


def padding_rule(file: h5py.File, names: tuple[str, ...], setting: str) -> str:
    """Return what tells empty slots in a file: `mask`, a data set of it; the name of a column; or `none`.

    `auto` takes the data set `mask` where the file has one, else the column `pt` where there is one, else `none`: every
    slot counts.

    Args:
        file: an open file.
        names: of its columns.
        setting: `data.padding`: `auto`, `none`, `mask` or the name of a column.

    Raises:
        UserError: no such data set or column.
    """
    if setting == AUTO:
        return MASK_DATASET if has_dataset(file, MASK_DATASET) else _COLUMN if _COLUMN in names else NONE
    if setting == MASK_DATASET and not has_dataset(file, MASK_DATASET):
        raise UserError(f"data.padding=mask: {file.filename} has no data set 'mask' (events, jets)")
    if setting not in (NONE, MASK_DATASET, *names):
        raise UserError(f"data.padding={setting}: allowed for {file.filename}: auto, none, mask, {', '.join(names)}")
    return setting


def real_slots(
    file: h5py.File, jets: NDArray[np.float32], names: tuple[str, ...], start: int, setting: str
) -> NDArray[np.bool_]:
    """Return which slots hold a jet, `(N, S)` bool.

    By a mask, where it is not 0. By a column, where that is above 0; a NaN there is no empty slot, so that the check
    for NaN sees it. With `auto`, values of `pt` up to 0 must all be the same, one padding value: standardised numbers
    would lose half of their jets otherwise.

    Args:
        file: an open file.
        jets: `(N, S, F)` rows of it.
        names: of its columns.
        start: the row of the file at which they begin.
        setting: `data.padding`.

    Raises:
        UserError: a mask of another shape, or a `pt` that does not tell.
    """
    rule = padding_rule(file, names, setting)
    if rule == NONE:
        return np.ones(jets.shape[:2], dtype=bool)
    if rule == MASK_DATASET:
        mask = safe_dataset(file, MASK_DATASET)
        if mask.shape[:1] < (start + len(jets),) or mask.shape[1:] != jets.shape[1:2]:
            raise UserError(
                f"{file.filename}:/{MASK_DATASET} has shape {mask.shape}; one number per slot is needed, "
                f"(events, {jets.shape[1]})"
            )
        return np.asarray(read_rows(mask, start, start + len(jets)) != 0)
    column = jets[..., names.index(rule)]
    is_empty = column <= 0
    empty = column[is_empty]
    if setting == AUTO and empty.size and empty.min() != empty.max():
        raise UserError(
            f"{file.filename}: 'pt' has several values up to 0 (from {empty.min():g} to {empty.max():g}) and does not "
            "tell which slots are empty; say so with a data set 'mask' (events, jets), with data.padding=none where "
            "every slot is real, or with data.padding=COLUMN where that column is above 0 for real jets alone"
        )
    return ~is_empty
