"""Records of a simulation: arrays with one row per entry, ragged arrays, and where each goes in a file."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def offsets_of(counts: Array) -> Array:
    """Return the offsets (N + 1,) int64 of a ragged array with `counts` (N,) entries per row."""
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def ragged_indices(starts: Array, counts: Array) -> Array:
    """Return the concatenation of the ranges [start, start + count), int64.

    >>> import numpy as np
    >>> ragged_indices(np.array([10, 3]), np.array([2, 3]))
    array([10, 11,  3,  4,  5])
    """
    ends = np.cumsum(counts, dtype=np.int64)
    shift = np.repeat(starts - (ends - counts), counts)
    return np.arange(ends[-1] if len(ends) else 0, dtype=np.int64) + shift


def wrap_phi(phi: Array) -> Array:
    """Return φ in [−π, π)."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


@dataclass(frozen=True)
class Stored:
    """Place of a field of a `Record` in a file: data set, type, and names of its last axis and its unit, if any.

    `exact` numbers keep all bits of their mantissa, whatever the settings.
    """

    field: str
    dataset: str
    dtype: str
    features: tuple[str, ...] | None = None
    unit: str | None = None
    exact: bool = False


@dataclass(frozen=True)
class Record:
    """Simulated entries, a dataclass of arrays (N, …) that all have one row per entry.

    Attributes:
        layout: how the fields are stored.
    """

    layout: ClassVar[tuple[Stored, ...]]

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def select(self, index: Array) -> Self:
        """Return the entries `index`, a mask or positions."""
        return type(self)(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def arrays(self) -> dict[str, Array]:
        """Return field → array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


R = TypeVar("R", bound="Record")


def merge(parts: Sequence[R]) -> R:
    """Return the entries of all parts, in order; at least one part is needed."""
    return type(parts[0])(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(parts[0])}
    )
