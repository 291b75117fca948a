"""Scores of a method in a window: of every entry that is searched, by the model that has not seen it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.run.loading import load_run
from hepad.searches.common_scale import FoldScores
from hepad.searches.sample_tables import Table, read_arrays, write_arrays
from hepad.searches.samples import DATA, EXTRA, HELD_OUT

REFERENCE: Final = "reference"
OTHERS: Final = (EXTRA, HELD_OUT)


@dataclass(frozen=True)
class MethodScores:
    """All scores of a method in a window.

    Attributes:
        samples: `data`, `reference` (background that cuts are chosen on), `extra` and `held_out` where they are.
    """

    samples: Mapping[str, FoldScores]

    def write(self, path: Path, key: str) -> None:
        """Write all scores in one step."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, found in self.samples.items():
            arrays |= {f"{name}/row": found.row, f"{name}/fold": found.fold, f"{name}/score": found.score}
        write_arrays(path, arrays, key)

    @classmethod
    def read(cls, path: Path) -> "MethodScores":
        """Return the scores of a file."""
        with open_hdf5(path) as file:
            names = [name for name in (DATA, REFERENCE, *OTHERS) if name in file]
        columns = read_arrays(path, [f"{name}/{column}" for name in names for column in ("row", "fold", "score")])
        return cls(
            {name: FoldScores(*(columns[f"{name}/{part}"] for part in ("row", "fold", "score"))) for name in names}
        )

    def references(self) -> dict[int, NDArray[np.float64]]:
        """Return fold → scores of the background that it tests."""
        found = self.samples[REFERENCE]
        return {int(fold): found.score[found.fold == fold] for fold in np.unique(found.fold)}


def tested_scores(folds: Sequence[Path], sample: str) -> FoldScores:
    """Return the scores of a sample that folds train on: of each entry by the run that tests it.

    Args:
        folds: finished runs, in order.
        sample: its name in them.
    """
    parts: list[tuple[NDArray[Any], ...]] = []
    for fold, directory in enumerate(folds):
        with open_hdf5(directory / "scores.h5") as file:
            row, score = (read_rows(safe_dataset(file, f"{sample}/{name}")) for name in ("index", "score"))
        parts.append((row.astype(np.int64), np.full(len(row), fold), score.astype(np.float64)))
    return FoldScores(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def other_scores(folds: Sequence[Path], table: Table) -> FoldScores:
    """Return scores of entries that no fold trains on: those of every K-th row by each of the K models."""
    fold = np.arange(len(table)) % len(folds)
    score = np.zeros(len(table))
    for number, directory in enumerate(folds):
        if (here := fold == number).any():
            score[here] = load_run(directory).score(table[here, :-1])
    return FoldScores(np.arange(len(table)), fold, score)


def in_region(scores: FoldScores, mass: NDArray[Any], *intervals: tuple[float, float]) -> FoldScores:
    """Return the scores of the entries that lie in one of some intervals of the observable."""
    values = mass[scores.row]
    inside = np.logical_or.reduce([(low <= values) & (values < high) for low, high in intervals])
    return FoldScores(scores.row[inside], scores.fold[inside], scores.score[inside])
