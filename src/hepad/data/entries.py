"""The entries of one sample, and what belongs to each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, take_rows


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
    """

    batch: Batch
    index: NDArray[np.int64]
    observables: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    slot: NDArray[np.int64] | None = None
    dropped: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

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
        )


def join_entries(parts: Sequence[Entries]) -> tuple[Entries, NDArray[np.int64]]:
    """Return disjoint parts of one sample as one, by rising row and slot, and the order that makes it of them."""
    index = np.concatenate([part.index for part in parts])
    slots = [part.slot for part in parts if part.slot is not None]
    slot = np.concatenate(slots) if slots else np.zeros_like(index)
    order = np.lexsort((slot, index))
    x, *others = zip(*(part.batch for part in parts), strict=True)
    first = parts[0]
    joined = Entries(
        batch=Batch(torch.cat(x), *(None if column[0] is None else torch.cat(column) for column in others)),
        index=index,
        observables={name: np.concatenate([part.observables[name] for part in parts]) for name in first.observables},
        slot=slot if slots else None,
        dropped=first.dropped,
        left_out=first.left_out,
    )
    return joined.rows(order), order
