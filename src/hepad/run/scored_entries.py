"""Scores of entries on their way into a file: what came out, what was left out, and which are not finite."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.data import Entries
from hepad.scores.forward import is_finite
from hepad.scores.score_columns import GrowingColumns

_DTYPES: Final = {"score": "<f4", "index": "<i8", "slot": "<i8", "weight": "<f4"}


@dataclass(frozen=True)
class ScoredEntries:
    """Scores of n entries, each `(n,)`.

    Attributes:
        score: of each.
        index: its row in the file.
        slot: of single jets, the slot in the event; None where entries have none.
        weight: None where the file has none.
    """

    score: NDArray[np.float32]
    index: NDArray[np.int64]
    slot: NDArray[np.int64] | None = None
    weight: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, block: Entries, score: NDArray[np.float32]) -> "ScoredEntries":
        """Return the scores of a block of entries."""
        weight = block.batch.weight
        return cls(score, block.index, block.slot, None if weight is None else weight.numpy())

    @classmethod
    def join(cls, parts: Sequence["ScoredEntries"]) -> "ScoredEntries":
        """Return the entries of several parts, one after the other; a column is there where all have it."""
        columns = [part.columns() for part in parts]
        names = [name for name in columns[0] if all(name in part for part in columns)]
        return cls(**{name: np.concatenate([part[name] for part in columns]) for name in names})

    def __len__(self) -> int:
        return len(self.score)

    def rows(self, rows: slice) -> "ScoredEntries":
        """Return some of the entries."""
        return ScoredEntries(**{name: values[rows] for name, values in self.columns().items()})

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the columns that are there, by name."""
        found = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: values for name, values in found.items() if values is not None}


@dataclass
class Tally:
    """Counts of what became of the rows of a file.

    Attributes:
        dropped: entries left out because they held NaN or inf.
        left_out: what else was read and is no entry: reason → number.
        bad_rows: rows whose score is NaN or infinite.
    """

    dropped: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    bad_rows: list[int] = field(default_factory=list)

    def add(self, dropped: int, left_out: Mapping[str, int]) -> None:
        """Count what was left out of a part."""
        self.dropped += dropped
        for reason, count in left_out.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def counted(self, parts: Iterator[Entries]) -> Iterator[Entries]:
        """Yield parts, and count what was left out of each."""
        for part in parts:
            self.add(part.dropped, part.left_out)
            yield part


def no_columns(score: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return nothing beside scores."""
    return {}


def write_scores(
    out: h5py.File,
    blocks: Iterator[ScoredEntries],
    tally: Tally,
    beside: Callable[[NDArray[np.float32]], Mapping[str, NDArray[Any]]] = no_columns,
) -> None:
    """Append scores to growing data sets, with what `beside` makes of them; the bytes depend on how they are cut."""
    columns = GrowingColumns(out)
    for block in blocks:
        if not is_finite(block.score):
            tally.bad_rows += block.index[~np.isfinite(block.score)].tolist()
        for name, values in block.columns().items():
            columns.add(name, values, _DTYPES[name])
        for name, values in beside(block.score).items():
            columns.add(name, values, values.dtype.str)
    columns.flush()
