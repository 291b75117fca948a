"""Samples of a search: data with what is injected, background and signal that are known as such, and the null twin.

What training and selection read holds no truth: it is in a file of its own, which only the measurement of performance
reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.searches.record import Window
from hepad.searches.sample_tables import Table, is_made, write_arrays, write_table
from hepad.searches.windows import Scan

DATA: Final = "data"
NULL: Final = "null"
EXTRA: Final = "extra"
HELD_OUT: Final = "held_out"
TRUTH: Final = "truth"
IDENTITY: Final = "identity"


@dataclass(frozen=True)
class SearchSamples:
    """All that a search is made of, in memory.

    Attributes:
        features: names of the features.
        observable: that is scanned.
        data: what is searched.
        identity: of each, `row` in its file, or in data.h5 where something is injected; `run`, `lumi`, `event`.
        null: the data of the null twin; None where there is none.
        null_kind: `background` or `shuffled`; empty where there is none.
        extra: background that is known as such; None where there is none.
        held_out: signal that is not among the data; None where there is none.
        truth: which data are signal; None where nobody knows.
        scan: with its width and its range.
        windows: of the scan.
        facts: sample → what the record says of it.
        notes: what a reader must know, in sentences.
        key: of all that this depends on.
    """

    features: tuple[str, ...]
    observable: str
    data: Table
    identity: Mapping[str, NDArray[Any]]
    null: Table | None
    null_kind: str
    extra: Table | None
    held_out: Table | None
    truth: NDArray[np.bool_] | None
    scan: Scan
    windows: tuple[Window, ...]
    facts: Mapping[str, Mapping[str, str | float | int | None]]
    notes: tuple[str, ...]
    key: str

    def files(self, directory: Path) -> dict[str, Path]:
        """Return name → file of every sample that there is."""
        parts = {DATA: self.data, NULL: self.null, EXTRA: self.extra, HELD_OUT: self.held_out}
        found = {name: directory / f"{name}.h5" for name, table in parts.items() if table is not None}
        return (
            found
            | {IDENTITY: directory / f"{IDENTITY}.h5"}
            | ({} if self.truth is None else {TRUTH: directory / f"{TRUTH}.h5"})
        )

    def is_written(self, directory: Path) -> bool:
        """Return whether every file is there, and made of these settings."""
        return all(is_made(path, self.key) for path in self.files(directory).values())

    def write(self, directory: Path) -> None:
        """Write every file, each in one step."""
        directory.mkdir(exist_ok=True)
        names = (*self.features, self.observable)
        for name, path in self.files(directory).items():
            if name == TRUTH:
                write_arrays(path, {"label": np.asarray(self.truth, dtype=np.uint8)}, self.key)
            elif name == IDENTITY:
                write_arrays(path, self.identity, self.key)
            else:
                write_table(path, getattr(self, name), names, self.key)
