"""The entries of one sample with what belongs to each of them, and a sketch by which they are known again."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.batch import Batch, join_batches, take_rows


@dataclass(frozen=True)
class Entries:
    """The entries of one sample.

    Attributes:
        batch: all N entries as one batch, raw units.
        index: `(N,)` int64 row of each entry in the source file.
        observables: name → `(N,)` numbers that the score is compared with (raw units, jet pT in GeV, …).
        slot: `(N,)` int64 position of a jet in its event, where entries are jets.
        dropped: entries left out because they held NaN or inf.
        left_out: what else was read and is no entry, or no part of one: reason → number.
        truth: `(N,)` bool, true for signal, where the file says so. It stands beside the batch, so that no model is
            ever given it, and is taken away from entries that train.
        part: `(N,)` uint8, 0 for entries that train, 1 validate, 2 test, where the user has files of each
            (`hepad.data.parts`).
    """

    batch: Batch
    index: NDArray[np.int64]
    observables: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    slot: NDArray[np.int64] | None = None
    dropped: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    truth: NDArray[np.bool_] | None = None
    part: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, rows: NDArray[Any]) -> "Entries":
        """Return the entries at the given row numbers, in that order."""
        return Entries(
            batch=take_rows(self.batch, torch.from_numpy(rows)),
            index=self.index[rows],
            observables={name: values[rows] for name, values in self.observables.items()},
            slot=None if self.slot is None else self.slot[rows],
            dropped=self.dropped,
            left_out=self.left_out,
            truth=None if self.truth is None else self.truth[rows],
            part=None if self.part is None else self.part[rows],
        )


def join_entries(parts: Sequence[Entries]) -> Entries:
    """Return the entries of several samples one after the other, with the observables that all of them have.

    What was left out on the way is told of each sample, not of all together.
    """
    if len(parts) == 1:
        return parts[0]
    slots = [part.slot for part in parts if part.slot is not None]
    shared = [name for name in parts[0].observables if all(name in part.observables for part in parts)]
    return Entries(
        batch=join_batches([part.batch for part in parts]),
        index=np.concatenate([part.index for part in parts]),
        observables={name: np.concatenate([part.observables[name] for part in parts]) for name in shared},
        slot=np.concatenate(slots) if len(slots) == len(parts) else None,
    )


def merge_parts(parts: Sequence[Entries]) -> tuple[Entries, NDArray[np.int64]]:
    """Return disjoint parts of one sample as one, by rising row and slot, and the order that makes it of them."""
    joined = join_entries(parts)
    slot = np.zeros_like(joined.index) if joined.slot is None else joined.slot
    order = np.lexsort((slot, joined.index))
    truths = [part.truth for part in parts if part.truth is not None]
    truth = np.concatenate(truths) if len(truths) == len(parts) else None
    first = parts[0]
    whole = replace(joined, dropped=first.dropped, left_out=first.left_out, truth=truth)
    return whole.rows(order), order


_SKETCH_SIZE: Final = 64
_DIGITS: Final = 16
_BY_CHANCE: Final = 1
_BLOCK: Final = 1 << 15


def sketch_of(x: Tensor) -> str:
    """Return the sketch of a set of entries: the 64 smallest of their hashes, in hexadecimal.

    It depends on the values of the entries and on nothing else, neither their order nor their file. Two sets that share
    a part of their entries share about that part of their sketches, since the smallest hashes are a random choice
    that is the same in both (Broder, "On the resemblance and containment of documents", 1997).

    Args:
        x: `(N, *entry_shape)` entries. Those without any object in them, and those that occur twice, say nothing about
            where they are from and are left out; the sketch is empty where no others are left.
    """
    hashes, counts = np.unique(_hashes(x), return_counts=True)
    return "".join(f"{value:0{_DIGITS}x}" for value in hashes[counts == 1][:_SKETCH_SIZE].tolist())


def shares_entries(sketch: str, parts: Iterable[Tensor]) -> bool:
    """Return whether some of the entries behind a sketch are among those of `parts`, each `(N, *entry_shape)`.

    A tenth of the entries is found in 99 of 100 cases, all of them always; a single one may be there by chance, in
    images of few hits.
    """
    known = {int(sketch[i : i + _DIGITS], base=16) for i in range(0, len(sketch), _DIGITS)}
    found: set[int] = set()
    for x in parts:
        found |= known.intersection(_hashes(x).tolist())
    return bool(known) and len(found) > min(_BY_CHANCE, len(known) - 1)


def entry_hashes(parts: Iterable[Tensor]) -> NDArray[np.uint64]:
    """Return the hashes of all entries of parts `(N, *entry_shape)`, each once; empty ones are left out."""
    blocks = [_hashes(x[i : i + _BLOCK]) for x in parts for i in range(0, len(x), _BLOCK)]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *blocks]))


def _hashes(x: Tensor) -> NDArray[np.uint64]:
    """Hashes of all entries but empty ones, `(M,)`."""
    # Adding 0 makes 0 of −0, which is the same number in other bytes.
    rows = np.ascontiguousarray(x.flatten(1).numpy(), dtype="<f4") + np.float32(0)
    rows = rows[rows.any(axis=1)]
    hashed = b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    return np.frombuffer(hashed, dtype="<u8").astype(np.uint64)
