"""Observables of entries that regions are cut in and models are conditioned on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, has_dataset, read_rows, safe_dataset
from hepad.core.hdf5.datasets import listed
from hepad.core.schema import EVENT_FEATURES, EVENT_FEATURES_DATASET, WEIGHT_DATASET
from hepad.data.entries import Entries


def add_observables(
    file: h5py.File, entries: Entries, names: Sequence[str], n_rows: int, needed: Mapping[str, str], truth: str
) -> Entries:
    """Return entries with further observables: columns of `event_features`, or data sets `(N,)` of their file.

    What the entries have already is kept: it is what they were made of.

    Args:
        file: the open file that they are from.
        entries: what was read of it.
        names: of the observables; those that are not there are left out.
        n_rows: rows of the data set that the entries were made of.
        needed: those that must be there → what needs them, for the message.
        truth: what is no observable.

    Raises:
        UserError: one that is needed and is not there.
    """
    found = dict(entries.observables)
    for name in names:
        if name not in found and (values := read_observable(file, name, n_rows, entries.index)) is not None:
            found[name] = values
        if name not in found and name in needed:
            there = listed({*entries.observables, *_names_in(file, n_rows)} - {truth})
            raise UserError(f"{needed[name]}: {file.filename} has no observable {name}; it has: {there}")
    return replace(entries, observables=found)


def read_observable(file: h5py.File, name: str, n_rows: int, index: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return an observable of entries `(N,)` by the rows `index` that they were made of; None where a file has none.

    Each jet of an event has that of the event. Columns of `event_features` come before data sets `(N,)`.
    """
    names = _event_columns(file)
    if name in names and file[EVENT_FEATURES_DATASET].shape[0] >= n_rows:
        dataset, column = safe_dataset(file, EVENT_FEATURES_DATASET), names.index(name)
    elif has_dataset(file, name) and file[name].shape == (n_rows,):
        dataset, column = safe_dataset(file, name), None
    else:
        return None
    if not len(index):
        return np.empty(0)
    first = int(index[0])
    values = read_rows(dataset, first, int(index[-1]) + 1)
    values = values if column is None else values[:, column]
    return np.asarray(values[index - first], dtype=np.float64)


def with_context(entries: Entries, names: Sequence[str]) -> Entries:
    """Return entries with some of their observables as the context `(N, K)` float32 of their batch."""
    if not names:
        return entries
    # Beyond the range of float32 is infinite, and refused as such.
    with np.errstate(over="ignore"):
        context = np.stack([entries.observables[name].astype(np.float32) for name in names], axis=1)
    return replace(entries, batch=entries.batch._replace(context=torch.from_numpy(context)))


def with_protected(entries: Entries, name: str | None) -> Entries:
    """Return entries with an observable that scores should not follow in their batch, where they have it."""
    if name is None or name not in entries.observables:
        return entries
    with np.errstate(over="ignore"):
        values = torch.from_numpy(entries.observables[name].astype(np.float32))
    return replace(entries, batch=entries.batch._replace(protected=values))


def finite_entries(entries: Entries) -> NDArray[np.bool_]:
    """Return which entries are finite, `(N,)`, with their context and what their score should not follow."""
    finite = torch.isfinite(entries.batch.x).flatten(1).all(1)
    if entries.batch.context is not None:
        finite &= torch.isfinite(entries.batch.context).all(1)
    if entries.batch.protected is not None:
        finite &= torch.isfinite(entries.batch.protected)
    return np.asarray(finite.numpy())


def _event_columns(file: h5py.File) -> tuple[str, ...]:
    """Return the names of the columns of `event_features`; none where a file has no such table."""
    if not has_dataset(file, EVENT_FEATURES_DATASET) or len(file[EVENT_FEATURES_DATASET].shape or ()) != 2:
        return ()
    return feature_names(safe_dataset(file, EVENT_FEATURES_DATASET), EVENT_FEATURES)


def _names_in(file: h5py.File, n_rows: int) -> set[str]:
    """Return the names of all observables of a file that are not made of its entries."""
    single = {name for name in file if has_dataset(file, name) and file[name].shape == (n_rows,)}
    return {*_event_columns(file), *single} - {WEIGHT_DATASET}
