"""Entries whose files say what they are for: those of a file for training, one for validation and one for testing.

`hepad.formats.direct` makes one file of them, in which the data set `split_part` tells them apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.core.inputs import PARTS
from hepad.core.schema import PART_DATASET
from hepad.data.entries import Entries, entry_hashes

TEST: Final = PARTS.index("test")

_BY_CHANCE: Final = 1e-3


def has_parts(file: h5py.File) -> bool:
    """Return whether a file says what its rows are for."""
    return has_dataset(file, PART_DATASET)


def first_in_parts(files: Mapping[str, Path]) -> str | None:
    """Return the first sample whose file says what its rows are for; None where there is none."""
    for sample, path in files.items():
        with open_hdf5(path) as file:
            if has_parts(file):
                return sample
    return None


def with_parts(file: h5py.File, entries: Entries, n_rows: int, limit: int | None) -> Entries:
    """Return entries with what they are for, at most `limit` of them: of each part the same share, from its beginning.

    Args:
        file: the open file that they are from.
        entries: all that were read of it.
        n_rows: rows of the data set that they were made of.
        limit: `data.limit`.

    Raises:
        UserError: no number of a part for each row.
    """
    dataset = safe_dataset(file, PART_DATASET)
    values = read_rows(dataset) if dataset.shape == (n_rows,) else np.array([-1])
    if not np.isin(values, range(len(PARTS))).all():
        raise UserError(
            f"{file.filename}:/{PART_DATASET}: 0, 1 or 2 for each of {n_rows} rows is needed (train, validate, test)"
        )
    part = values[entries.index].astype(np.uint8)
    entries = replace(entries, part=part)
    if limit is None or limit >= len(entries):
        return entries
    kept = np.zeros(len(entries), dtype=bool)
    for number in range(len(PARTS)):
        rows = np.flatnonzero(part == number)
        kept[rows[: -(-limit * len(rows) // len(entries))]] = True
    return entries.rows(np.flatnonzero(kept))


def tested_part(entries: Entries) -> Entries:
    """Return the entries of a sample that may be tested: all, unless its files say which."""
    return entries if entries.part is None else entries.rows(np.flatnonzero(entries.part == TEST))


def refuse_trained(trained: Sequence[Entries], tested: Mapping[str, Entries]) -> None:
    """Raise `UserError` where entries of a tested sample are among those that train and validate.

    A few of a thousand may be the same by chance, as images of few hits are.
    """
    known = entry_hashes(entries.batch.x for entries in trained)
    for sample, entries in tested.items():
        found = entry_hashes([entries.batch.x])
        n_shared = len(np.intersect1d(known, found, assume_unique=True))
        if n_shared > max(1, _BY_CHANCE * min(len(known), len(found))):
            raise UserError(
                f"{n_shared} tested entries of {sample} are among those that train or validate; an entry is in one "
                "part: take them out of one of the files"
            )
