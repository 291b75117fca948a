"""Entries of a file cut into blocks of one size, and columns of an output that grow with them."""

from collections.abc import Iterator
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.batch import join_batches, take_rows
from hepad.data import Entries

_WRITTEN_AT_ONCE: Final = 1 << 18
_STORED_AT_ONCE: Final = 1 << 14


def entry_blocks(parts: Iterator[Entries], size: int) -> Iterator[Entries]:
    """Yield the same entries in blocks of `size`, the last one smaller; what needs not be joined is not copied."""
    rest: Entries | None = None
    for part in parts:
        start = 0
        if rest is not None:
            start = min(size - len(rest), len(part))
            rest = _joined([rest, _cut(part, 0, start)])
            if len(rest) < size:
                continue
            yield rest
        whole = start + (len(part) - start) // size * size
        for first in range(start, whole, size):
            yield _cut(part, first, first + size)
        rest = _cut(part, whole, len(part)) if whole < len(part) else None
    if rest is not None:
        yield rest


def _cut(entries: Entries, start: int, stop: int) -> Entries:
    rows = slice(start, stop)
    return Entries(
        take_rows(entries.batch, rows),
        index=entries.index[rows],
        slot=None if entries.slot is None else entries.slot[rows],
    )


def _joined(parts: list[Entries]) -> Entries:
    slots = [part.slot for part in parts if part.slot is not None]
    return Entries(
        join_batches([part.batch for part in parts]),
        index=np.concatenate([part.index for part in parts]),
        slot=np.concatenate(slots) if slots else None,
    )


class GrowingColumns:
    """Data sets `(N,)` of an open file that grow, some hundred thousand rows at a time.

    Each write is a dozen calls of h5py, which hold Python's lock.

    Args:
        file: open for writing.
    """

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self._waiting: dict[str, list[NDArray[Any]]] = {}
        self._types: dict[str, str] = {}

    def add(self, name: str, values: NDArray[Any], dtype: str) -> None:
        """Add values to the column `name`, stored as `dtype`."""
        self._types[name] = dtype
        waiting = self._waiting.setdefault(name, [])
        waiting.append(values)
        if sum(map(len, waiting)) >= _WRITTEN_AT_ONCE:
            self._write(name)

    def flush(self) -> None:
        """Write what is left."""
        for name, waiting in self._waiting.items():
            if waiting:
                self._write(name)

    def _write(self, name: str) -> None:
        values = np.concatenate(self._waiting[name]).astype(self._types[name], copy=False)
        self._waiting[name] = []
        if name not in self.file:
            self.file.create_dataset(name, (0,), values.dtype, maxshape=(None,), chunks=(_STORED_AT_ONCE,))
        column = self.file[name]
        column.resize(len(column) + len(values), axis=0)
        column[len(column) - len(values) :] = values
