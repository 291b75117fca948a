"""One pass through a file, block by block: how many entries each block has, and what the split must know of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import JobError, UserError
from hepad.core.hdf5 import open_hdf5
from hepad.core.regions import Region
from hepad.data.entries import Entries, join_entries
from hepad.data.observed import finite_entries
from hepad.data.reading import SampleReader, check_nonfinite
from hepad.data.truth import add_truth

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Scan:
    """Blocks of a sample, and numbers of what is in them. A unit is what is split: an entry, or a row with entries.

    Attributes:
        sample, path: what was read.
        rows: `(B + 1,)` where each of B blocks of rows begins, and the last ends.
        taken: `(B,)` entries of each block before NaN and inf are dropped; a limit cuts the last.
        entries, units: `(B + 1,)` numbers of the first entry, and of the first unit, of each block, and how many there
            are.
        counts: `(n_units,)` entries of each unit; None where each is one entry.
        inside: region → `(n_entries,)` which entries lie in it.
        positive: `(n_entries,)` which weights are above 0; None where the file has none.
        largest_weight: of all.
        dropped: entries left out because they held NaN or inf.
        left_out: what else is no entry: reason → number.
    """

    sample: str
    path: Path
    rows: IntArray
    taken: IntArray
    entries: IntArray
    units: IntArray
    counts: NDArray[np.uint16] | None
    inside: Mapping[str, BoolArray]
    positive: BoolArray | None
    largest_weight: float
    dropped: int
    left_out: Mapping[str, int]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.taken)

    @property
    def n_entries(self) -> int:
        """Number of entries."""
        return int(self.entries[-1])

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.units[-1])


def scan_sample(
    reader: SampleReader,
    sample: str,
    path: Path,
    block_rows: int,
    by_row: bool,
    limit: int | None,
    regions: Iterable[Region] = (),
) -> Scan:
    """Read a file once, block by block, and keep numbers of what is in it.

    Args:
        reader: makes entries of rows.
        sample: its name.
        path: its file.
        block_rows: rows of a block.
        by_row: what is split is rows with their entries, not single entries.
        limit: at most so many entries; None for all.
        regions: in which to look for entries.

    Raises:
        UserError: the file cannot be used, or no entry is in it.
    """
    wanted = list(regions)
    taken, n_entries, n_units = [], [], []
    counts: list[NDArray[np.uint16]] = []
    inside: dict[str, list[BoolArray]] = {region.name: [] for region in wanted}
    positive: list[BoolArray] = []
    largest, n_bad, n_taken = 0.0, 0, 0
    left_out: dict[str, int] = {}
    with open_hdf5(path) as file, reader.observing():
        n_rows = int(reader.source(file).shape[0])
        starts = range(0, n_rows, block_rows)
        for start in starts:
            found = reader.read_weighted(file, sample, None, slice(start, min(start + block_rows, n_rows)))
            if limit is not None and n_taken + len(found) > limit:
                found = found.rows(np.arange(limit - n_taken))
            taken.append(len(found))
            n_taken += len(found)
            finite = finite_entries(found)
            n_bad += int((~finite).sum())
            if not finite.all():
                found = found.rows(np.flatnonzero(finite))
            n_entries.append(len(found))
            own = _units(found.index)
            n_units.append(int(own[-1]) + 1 if by_row and len(own) else len(found))
            if by_row:
                counts.append(np.bincount(own, minlength=n_units[-1]).astype(np.uint16))
            for region in wanted:
                inside[region.name].append(region.holds(found.observables))
            if (weight := found.batch.weight) is not None and len(found):
                positive.append((weight > 0).numpy())
                largest = max(largest, float(weight.max()))
            for reason, count in found.left_out.items():
                left_out[reason] = left_out.get(reason, 0) + count
            if limit is not None and n_taken >= limit:
                break
    check_nonfinite(n_bad, n_taken, sample, path, reader.on_nonfinite)
    if not sum(n_entries):
        raise UserError(f"sample {sample} is empty: no entries in {path}")
    return Scan(
        sample,
        path,
        np.minimum(np.arange(len(taken) + 1) * block_rows, n_rows),
        np.array(taken),
        np.concatenate([[0], np.cumsum(n_entries)]),
        np.concatenate([[0], np.cumsum(n_units)]),
        np.concatenate(counts) if by_row else None,
        {name: np.concatenate(parts) for name, parts in inside.items()},
        np.concatenate(positive) if positive else None,
        largest,
        n_bad,
        left_out,
    )


def _units(index: IntArray) -> IntArray:
    """Return the number of the row of each entry within a block, from 0, `(n,)`; `index` rises."""
    return np.concatenate([[0], np.cumsum(np.diff(index) != 0)]) if len(index) else np.empty(0, dtype=np.int64)


def read_blocks(reader: SampleReader, file: h5py.File, scan: Scan, first: int, stop: int) -> Entries:
    """Read the entries of the blocks from `first` to `stop` as the scan has counted them.

    Raises:
        JobError: there are others than when the file was scanned.
    """
    rows = slice(int(scan.rows[first]), int(scan.rows[stop]))
    found = reader.read_weighted(file, scan.sample, None, rows)
    # A limit cuts the last block alone.
    if len(found) > (taken := int(scan.taken[first:stop].sum())):
        found = found.rows(np.arange(taken))
    if scan.dropped:
        found = found.rows(np.flatnonzero(finite_entries(found)))
    if len(found) != scan.entries[stop] - scan.entries[first]:
        raise JobError(f"{scan.path} ({scan.sample}) has changed while it was read; put the file back, and go on")
    return found


def units_of(scan: Scan, block: int, found: Entries) -> IntArray:
    """Return the unit of each entry of blocks of which `block` is the first, `(n,)`."""
    first = int(scan.units[block])
    return first + (np.arange(len(found)) if scan.counts is None else _units(found.index))


def collect(reader: SampleReader, scan: Scan, wanted: Mapping[str, IntArray]) -> dict[str, Entries]:
    """Return some of a sample's entries, in the orders given, with observables and truth, by another pass.

    Args:
        reader: makes entries of rows.
        scan: of the sample.
        wanted: name → numbers of entries, each once.
    """
    sorted_numbers = {name: np.sort(numbers) for name, numbers in wanted.items()}
    parts: dict[str, list[Entries]] = {name: [] for name in wanted}
    with open_hdf5(scan.path) as file, reader.observing():
        n_rows = int(reader.source(file).shape[0])
        for block in range(scan.n_blocks):
            first, stop = int(scan.entries[block]), int(scan.entries[block + 1])
            ends = {name: np.searchsorted(numbers, (first, stop)) for name, numbers in sorted_numbers.items()}
            if all(low == high for low, high in ends.values()):
                continue
            found = read_blocks(reader, file, scan, block, block + 1)
            found = add_truth(file, found, reader.truth, n_rows, reader.named_features)
            for name, (low, high) in ends.items():
                if low < high:
                    parts[name].append(found.rows(sorted_numbers[name][low:high] - first))
    return {name: _in_order(parts.pop(name), numbers, scan) for name, numbers in wanted.items()}


def _in_order(parts: list[Entries], numbers: IntArray, scan: Scan) -> Entries:
    """Join parts of rising entries, and put them in the order of their `numbers`."""
    truths = [part.truth for part in parts if part.truth is not None]
    joined = replace(
        join_entries(parts),
        truth=np.concatenate(truths) if truths else None,
        dropped=scan.dropped,
        left_out=dict(scan.left_out),
    )
    place = np.empty(len(numbers), dtype=np.int64)
    place[np.argsort(numbers, kind="stable")] = np.arange(len(numbers))
    return joined.rows(place)
