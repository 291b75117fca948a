"""Truth: which entries of a sample are signal, where its file says so. It serves tests alone."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, read_rows, safe_dataset
from hepad.core.names import is_name
from hepad.core.roles import SIGNAL_SUFFIX
from hepad.data.entries import Entries

NONE: Final = "none"
"""The word for no truth at all."""

DEFAULT: Final = "label"


def add_truth(
    file: h5py.File, entries: Entries, name: str | None, n_rows: int, features: Callable[[], Collection[str]]
) -> Entries:
    """Return entries with their truth, taken away from their observables; those of a file without it as they are.

    Args:
        file: the open file that they are from.
        entries: what was read of it.
        name: of a data set `(N,)` or an observable (`data.truth`); None for `label` where there is one, `none` for no
            truth.
        n_rows: rows of the data set that the entries were made of.
        features: returns the names of the features of an entry, which are no truth.

    Raises:
        UserError: the named one is a feature, or its values are not 0 and 1, one for each row.
    """
    wanted = name or DEFAULT
    if wanted == NONE:
        return entries
    is_dataset = has_dataset(file, wanted)
    if not is_dataset and wanted not in entries.observables:
        return entries
    if wanted in features():
        if name is None:
            return entries
        raise UserError(
            f"data.truth={name} is a feature of the entries, and no model may see it; leave it out of these"
        )
    where = f"{file.filename}:/{wanted}"
    if not is_dataset:
        values = entries.observables[wanted]
    elif (shape := (dataset := safe_dataset(file, wanted)).shape) == (n_rows,):
        # No more than the entries need, which may be a part of the file; their rows rise.
        first, stop = (int(entries.index[0]), int(entries.index[-1]) + 1) if len(entries) else (0, 0)
        values = read_rows(dataset, first, stop)[entries.index - first]
    else:
        raise UserError(
            f"{where} has shape {shape} for {n_rows} rows; one truth per row is needed, or data.truth={NONE}"
        )
    others = {key: value for key, value in entries.observables.items() if key != wanted}
    return replace(entries, truth=_as_bool(values, where), observables=others)


def check_no_truth(name: str | None, read: Mapping[str, Collection[str]]) -> None:
    """Raise `UserError` where training would read the truth.

    Args:
        name: `data.truth`.
        read: key of a config → names of the observables that it reads.
    """
    for key, names in read.items():
        if name != NONE and (name or DEFAULT) in names:
            raise UserError(
                f"{key} names {name or DEFAULT}, the truth, which serves tests alone; data.truth={NONE} makes it "
                "an observable like any other"
            )


def require_truth(name: str | None, samples: Iterable[Entries]) -> None:
    """Raise `UserError` where a truth is named (`data.truth`) that no sample has."""
    if name not in (None, NONE) and all(found.truth is None for found in samples):
        raise UserError(f"data.truth={name}: no file has such a data set or column; data.truth={NONE} does without")


def _as_bool(values: NDArray[np.generic], where: str) -> NDArray[np.bool_]:
    strange = ~np.isin(values, (0, 1))
    if strange.any():
        raise UserError(
            f"{where} holds {values[strange.argmax()]}; 0 for background and 1 for signal are needed: data.truth=NAME "
            f"names another truth, data.truth={NONE} does without"
        )
    return np.asarray(values == 1)


def by_truth(sample: str, entries: Entries, samples: Collection[str]) -> dict[str, Entries]:
    """Return the tested entries of a sample by name: `<sample>`, and `<sample>_signal` for those that are signal.

    Args:
        sample: its name.
        entries: those that are tested.
        samples: names of all samples.

    Raises:
        UserError: the second name is that of another sample, or is none.
    """
    if entries.truth is None:
        return {sample: entries}
    signal = f"{sample}{SIGNAL_SUFFIX}"
    if entries.truth.any() and (signal in samples or not is_name(signal)):
        what = "the name of another sample" if signal in samples else "too long for a name"
        raise UserError(f"the signal of {sample} is tested as {signal}, which is {what}; give the sample another name")
    parts = {sample: ~entries.truth, signal: entries.truth}
    return {name: entries.rows(np.flatnonzero(chosen)) for name, chosen in parts.items() if chosen.any()}
