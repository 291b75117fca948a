"""Empty slots of an event, told from real jets."""

from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, read_rows, safe_dataset
from hepad.core.schema import MASK_DATASET

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
