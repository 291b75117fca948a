"""Budget of memory: whether all entries fit into it, and what each part of them may take where they do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.byte_sizes import told_bytes
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.data.entries import Entries
from hepad.data.memory import COPIES, available_memory
from hepad.data.reading import SampleReader

SHARE: Final = 0.8
"""Share of the free memory that entries take where the user names no number."""

TESTED: Final = 0.5
DRAWN: Final = 0.25
BUFFERS: Final = 0.25
"""Shares of the budget: tested entries, those drawn for what is fitted, and buffers of those that train."""

KEPT: Final = 0.25
"""Share that validation entries may take while others train: the copies of tested entries are made afterwards."""

READ_IN_ORDER: Final = 2
"""Buffers that are read at once of what is not mixed, in place of validation entries that do not fit."""

_LIVE_BUFFERS: Final = 4
"""Buffers at a time: one is trained on, one waits, one is made, and the block that it is made of takes as much."""

_BLOCKS_PER_BUFFER: Final = 32
_FEWEST_BLOCKS: Final = 8
_SMALL_BLOCK: Final = 1 << 20
"""Bytes of a block below which reading is mostly beginning to read; a buffer has fewer such blocks then."""

_LARGEST_BLOCK: Final = 1 << 16
_FEWEST_DRAWN: Final = 100
_PER_UNIT: Final = 40
"""Bytes that making the split takes for a moment, for each row or entry that is split."""

_BESIDE: Final = 40
"""Bytes of row number, slot, weight, label and truth."""

_PROBES: Final = 16
_PROBED_ROWS: Final = 64


@dataclass(frozen=True)
class Probe:
    """Sizes of the entries of a file, by a few of its rows.

    Attributes:
        n_rows: of the file.
        n_entries: about how many entries there are, no more than the limit.
        entry_bytes: of one, with all that belongs to it.
        batch_bytes: of what a batch holds of it.
        row_bytes: of one row as the file holds it, as float32.
        chunk: rows that the file stores as one; 1 where it does not.
    """

    n_rows: int
    n_entries: int
    entry_bytes: int
    batch_bytes: int
    row_bytes: int
    chunk: int

    @property
    def needed(self) -> int:
        """Bytes that reading all entries and training on them take."""
        return COPIES * self.entry_bytes * self.n_entries


def exceeds(reader: SampleReader, files: Mapping[str, Path], budget: int) -> dict[str, Probe]:
    """Return the sizes of all samples where their entries do not fit into the budget; empty where they do.

    What the shapes of the data sets say is enough for most: a few rows of each file are read only where that bound is
    above the budget.
    """
    if sum(COPIES * _most_bytes(reader, sample, path) for sample, path in files.items()) <= budget:
        return {}
    probes = {sample: probe(reader, sample, path, reader.limit_of(sample)) for sample, path in files.items()}
    return probes if sum(found.needed for found in probes.values()) > budget else {}


def _most_bytes(reader: SampleReader, sample: str, path: Path) -> int:
    with open_hdf5(path) as file:
        n_rows = int(reader.source(file).shape[0])
        limit = reader.limit_of(sample)
        bytes_of_row = 4 * reader.numbers_of_row(file) + _BESIDE
        return bytes_of_row * (n_rows if limit is None else min(limit, n_rows))


def probe(reader: SampleReader, sample: str, path: Path, limit: int | None) -> Probe:
    """Return the sizes of the entries of a file, by some rows at 16 places that are spread over it."""
    with open_hdf5(path) as file, reader.observing():
        source: h5py.Dataset = reader.source(file)
        n_rows = int(source.shape[0])
        starts = np.unique(np.linspace(0, max(0, n_rows - _PROBED_ROWS), _PROBES).astype(np.int64))
        parts = [slice(int(start), min(int(start) + _PROBED_ROWS, n_rows)) for start in starts]
        found = [reader.read_weighted(file, sample, None, part) for part in parts]
        chunk = int(source.chunks[0]) if source.chunks else 1
        row_bytes = 4 * int(np.prod(source.shape[1:], dtype=np.int64))
    n_probed = max(1, sum(len(entries) for entries in found))
    n_entries = n_probed * n_rows // max(1, sum(part.stop - part.start for part in parts))
    if limit is not None:
        n_entries = min(n_entries, limit)
    entry_bytes = -(-sum(size_of(entries) for entries in found) // n_probed)
    batch_bytes = -(-sum(batch_size_of(entries) for entries in found) // n_probed)
    return Probe(n_rows, max(1, n_entries), entry_bytes, batch_bytes, row_bytes, chunk)


def batch_size_of(entries: Entries) -> int:
    """Return the bytes of the entries as a batch, with a label and a weight."""
    return sum(field.nbytes for field in entries.batch if field is not None) + 12 * len(entries)


def size_of(entries: Entries) -> int:
    """Return the bytes of entries with all that belongs to them."""
    arrays: list[NDArray[Any]] = [entries.index, *entries.observables.values()]
    arrays += [array for array in (entries.slot, entries.truth) if array is not None]
    return batch_size_of(entries) + sum(array.nbytes for array in arrays)


@dataclass(frozen=True)
class Division:
    """Numbers of entries that the parts of a budget hold.

    Attributes:
        memory: the budget in bytes.
        drawn: training entries that are kept for what is fitted.
        buffer: training entries of one buffer.
        block_rows: sample → rows of a block, for samples that train.
    """

    memory: int
    drawn: int
    buffer: int
    block_rows: Mapping[str, int]


def divide(memory: int, probes: Mapping[str, Probe], trained: Mapping[str, float], batch_size: int) -> Division:
    """Return what a budget holds.

    Args:
        memory: the budget in bytes.
        probes: sample → sizes.
        trained: sample → share of its entries that trains.
        batch_size: of the training.

    Raises:
        UserError: too small a budget for two batches, for the fitted parts, or for the split.
    """
    batch_bytes = max(probes[sample].batch_bytes for sample in trained)
    entry_bytes = max(probes[sample].entry_bytes for sample in trained)
    buffer = int(BUFFERS * memory / (_LIVE_BUFFERS * batch_bytes))
    drawn = int(DRAWN * memory / (COPIES * entry_bytes))
    needed = max(
        2 * batch_size * _LIVE_BUFFERS * batch_bytes / BUFFERS,
        _FEWEST_DRAWN * COPIES * entry_bytes / DRAWN,
        *(_PER_UNIT * found.n_rows for found in probes.values()),
    )
    if memory < needed:
        raise UserError(
            f"data.memory={told_bytes(memory)} is too little to stream {sum(p.n_entries for p in probes.values()):,} "
            f"entries in batches of {batch_size}: at least {told_bytes(1.01 * needed)} are needed; read fewer entries "
            "with data.limit=N (hepad.score reads files of any size)"
        )
    rows = {name: _block_rows(memory, probes[name], buffer, share) for name, share in trained.items()}
    return Division(memory, drawn, buffer, rows)


def _block_rows(memory: int, found: Probe, buffer: int, share: float) -> int:
    """Return rows of a block: a 32nd of a buffer, or an eighth, in whole chunks of the file where these are small."""
    per_row = max(found.n_entries / found.n_rows, 1e-9) * share
    in_buffer = max(1, int(buffer / per_row))
    # As the file holds it, and as entries.
    most = max(1, int(BUFFERS / _LIVE_BUFFERS * memory / (2 * found.row_bytes)))
    wanted = max(in_buffer // _BLOCKS_PER_BUFFER, min(in_buffer // _FEWEST_BLOCKS, _SMALL_BLOCK // found.row_bytes))
    rows = max(1, min(wanted, most, _LARGEST_BLOCK, found.n_rows))
    if rows >= found.chunk:
        return rows - rows % found.chunk
    # Parts of a chunk unpack it anew each time; four chunks in a buffer are the fewest that still mix.
    return found.chunk if found.chunk <= min(in_buffer // 4, most) else rows


def fair_shares(needs: Mapping[str, int], total: int) -> dict[str, int]:
    """Return how much of a total each gets: what it needs, or an equal share of what those that need less leave.

    >>> fair_shares({"a": 10, "b": 100, "c": 100}, 110)
    {'a': 10, 'b': 50, 'c': 50}
    """
    shares, left = {}, total
    by_size = sorted(needs, key=lambda name: needs[name])
    for i, name in enumerate(by_size):
        shares[name] = min(needs[name], left // (len(by_size) - i))
        left -= shares[name]
    return {name: shares[name] for name in needs}


def all_in_memory(what: str, needed: int, memory: int) -> UserError:
    """Return what is raised for something that needs all entries in memory, where they take more than the budget."""
    return UserError(
        f"{what} needs all entries in memory: {told_bytes(needed)}, and data.memory allows {told_bytes(memory)}; give "
        f"it more with data.memory={-(-needed // 10**6)}MB, or read fewer entries with data.limit=N"
    )


def free_memory_budget() -> int | None:
    """Return the share of the free memory that entries may take; None where nobody knows what is free."""
    available = available_memory()
    return None if available is None else int(SHARE * available)
