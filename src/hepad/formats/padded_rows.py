"""Rows of slots of which many are empty, kept as the objects alone: a third of the bytes, where slots are for jets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PaddedRows:
    """Rows `(N, S, F)` float32 that are 0 where no object is.

    Attributes:
        objects: `(n, F)` float32, those of one row after those of the row before.
        counts: `(N,)` how many each row has, at most S; they are in its first slots.
        slots: S.

    >>> import numpy as np
    >>> from hepad.formats.padded_rows import PaddedRows
    >>> rows = PaddedRows(np.array([[1.0], [2.0], [3.0]], np.float32), np.array([1, 0, 2]), 2)
    >>> rows.shape, rows[1:].dense()[..., 0].tolist()
    ((3, 2, 1), [[0.0, 0.0], [2.0, 3.0]])
    """

    objects: NDArray[np.float32]
    counts: NDArray[np.int64]
    slots: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(N, S, F)`."""
        return len(self.counts), self.slots, self.objects.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self.objects.dtype

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.counts)

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, rows: slice) -> "PaddedRows":
        start, stop, _ = rows.indices(len(self))
        first, last = (int(self._ends[row - 1]) if row else 0 for row in (start, max(start, stop)))
        return PaddedRows(self.objects[first:last], self.counts[start:stop], self.slots)

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Slots that hold an object, `(N, S)`."""
        return np.asarray(np.arange(self.slots) < self.counts[:, None])

    def dense(self) -> NDArray[np.float32]:
        """Return the rows with their empty slots."""
        n, slots, width = self.shape
        values = np.zeros((n * slots, width), dtype=self.dtype)
        # Objects as single items: NumPy copies these several times as fast as rows of numbers.
        item = np.dtype((np.void, width * self.dtype.itemsize))
        if self.objects.size:
            values.view(item)[self.filled.reshape(-1), 0] = np.ascontiguousarray(self.objects).view(item)[:, 0]
        return values.reshape(n, slots, width)
