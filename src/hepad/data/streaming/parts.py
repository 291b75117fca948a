"""Parts of a sample that is streamed: which block holds how many of its training and validation entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.roles import Role
from hepad.data.entries import Entries
from hepad.data.event_weights import refuse_weightless
from hepad.data.reading import SampleReader
from hepad.data.split import Split, rows_sha256
from hepad.data.streaming.scan import BoolArray, IntArray, Scan, read_blocks, units_of
from hepad.data.training_roles import with_role

TRAIN: Final = 1
VAL: Final = 2
TEST: Final = 3
_AT_ONCE: Final = 1 << 15


@dataclass(frozen=True)
class SplitScan:
    """The split of a scanned sample, in units.

    Attributes:
        scan: of the sample.
        split: units of each part, in the order of the split.
        codes: `(n_units,)` the part of each unit; 0 for none.
    """

    scan: Scan
    split: Split
    codes: NDArray[np.uint8]

    @classmethod
    def of(cls, scan: Scan, split: Split) -> "SplitScan":
        """Return the split of a sample with the part of each unit."""
        codes = np.zeros(scan.n_units, dtype=np.uint8)
        for code, units in ((TRAIN, split.train), (VAL, split.val), (TEST, split.test)):
            codes[units] = code
        return cls(scan, split, codes)

    def entries_of(self, code: int, region: str | None = None) -> Iterator[IntArray]:
        """Yield the numbers of the entries of a part, in the order of the split, some of them at a time."""
        units = {TRAIN: self.split.train, VAL: self.split.val, TEST: self.split.test}[code]
        counts = self.scan.counts
        first = None if counts is None else np.cumsum(counts, dtype=np.int64) - counts
        inside = None if region is None else self.scan.inside[region]
        for start in range(0, len(units), _AT_ONCE):
            found = units[start : start + _AT_ONCE]
            if counts is not None and first is not None:
                n = counts[found].astype(np.int64)
                found = np.repeat(first[found] - (np.cumsum(n) - n), n) + np.arange(n.sum())
            yield found if inside is None else found[inside[found]]

    def first_of(self, code: int, n: int, region: str | None = None) -> IntArray:
        """Return the numbers of the first `n` entries of a part, in the order of the split; fewer where it has fewer.

        The order is a random one: they are a fair draw.
        """
        parts: list[IntArray] = []
        for found in self.entries_of(code, region):
            parts.append(found[: n - sum(map(len, parts))])
            if sum(map(len, parts)) >= n:
                break
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def sha256(self, code: int, region: str | None = None) -> str:
        """Return the hash of a part, the same as that of entries in memory (`rows_sha256`)."""
        return rows_sha256(self.entries_of(code, region))


class RoleStream:
    """Training and validation entries of one role, block by block.

    Args:
        reader: makes entries of rows.
        role: what they are.
        split: of its sample.

    Attributes:
        n_in_block: part → `(B,)` how many of its entries are in each block.

    Raises:
        UserError: a part without entries, or all of whose weights are 0.
    """

    def __init__(self, reader: SampleReader, role: Role, split: SplitScan) -> None:
        self.reader = reader
        self.role = role
        self.scan = split.scan
        self._codes = split.codes
        self._inside: BoolArray | None = None if role.region is None else self.scan.inside[role.region]
        self.n_in_block = {code: np.zeros(self.scan.n_blocks, dtype=np.int64) for code in (TRAIN, VAL)}
        for block in range(self.scan.n_blocks):
            codes = self._in_blocks(block, block + 1)
            for code, numbers in self.n_in_block.items():
                numbers[block] = int((codes == code).sum())
        self._check(split)

    def _in_blocks(self, first: int, stop: int, units: IntArray | None = None) -> NDArray[np.uint8]:
        """Return the part of each entry of some blocks, 0 for those that are not of the role."""
        scan = self.scan
        if units is None:
            between = slice(int(scan.units[first]), int(scan.units[stop]))
            codes = self._codes[between]
            codes = codes if scan.counts is None else np.repeat(codes, scan.counts[between])
        else:
            codes = self._codes[units]
        if self._inside is None:
            return codes
        inside = self._inside[int(scan.entries[first]) : int(scan.entries[stop])]
        return np.where(inside, codes, np.uint8(0))

    def _check(self, split: SplitScan) -> None:
        path, sample, region = self.scan.path, self.role.sample, self.role.region
        for code, what in ((TRAIN, "training"), (VAL, "validation")):
            n = self.n(code)
            if not n:
                raise UserError(f"region {region} is empty in the {what} part of {sample} ({path})")
            positive = self.scan.positive
            if positive is not None and not any(positive[found].any() for found in split.entries_of(code, region)):
                refuse_weightless(torch.zeros(1).expand(n), f"the {what} part of {self.role}", path)
        if self.role.weight is not None and not np.isfinite(np.float32(self.scan.largest_weight * self.role.weight)):
            raise UserError(
                f"data.train: the weights of {self.role} are no longer finite with the factor {self.role.weight:g}"
            )

    def n(self, code: int) -> int:
        """Return how many entries a part has."""
        return int(self.n_in_block[code].sum())

    def read(self, file: h5py.File, first: int, stop: int, code: int) -> tuple[Batch, IntArray]:
        """Return the entries of the blocks from `first` to `stop`, and the rows of those of a part among them.

        They carry the label and the weight of the role.
        """
        found = read_blocks(self.reader, file, self.scan, first, stop)
        codes = self._in_blocks(first, stop, units_of(self.scan, first, found))
        entries: Entries = with_role(found, self.role)
        return entries.batch, np.flatnonzero(codes == code)
