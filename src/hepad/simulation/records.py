"""Records of a simulation: arrays with one row per entry, and where each goes in a file."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Self, TypeVar

import numpy as np

from hepad.simulation.arrays import Array


@dataclass(frozen=True)
class Stored:
    """Where a field of a `Record` goes in a file: the data set, its type, and the names of its last axis, if any."""

    field: str
    dataset: str
    dtype: str
    features: tuple[str, ...] | None = None


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
