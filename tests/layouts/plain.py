"""Tiny files in the true layout of each public format, and what a plain loop over their events makes of them.

A layout is one entry of `LAYOUTS`: how its file is written, and the data sets that a conversion must give. The loops
know nothing of hepad's engine: lists of Python numbers, one event after the other.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

N_EVENTS = 40
Expected = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """A format.

    Attributes:
        suffix: of its files.
        write: writes a file, with a seed; returns the expected data sets.
        preset: by which it is recognised, without being told; None where the preset must be named.
        asked: the preset that is named.
        trains: words of a training on the result; empty for none.
    """

    suffix: str
    write: Callable[[Path, int], Expected]
    preset: str | None
    asked: str | None = None


LAYOUTS: dict[str, Layout] = {}


def layout(name: str, suffix: str, recognised: bool = True) -> Callable[[Any], Any]:
    """Register a writer as the layout of a preset."""

    def register(write: Callable[[Path, int], Expected]) -> Callable[[Path, int], Expected]:
        LAYOUTS[name] = Layout(suffix, write, name if recognised else None, None if recognised else name)
        return write

    return register


def in_slots(events: Sequence[Sequence[Sequence[float]]], n_slots: int, key: int | None = 0) -> np.ndarray:
    """Put the objects of each event into slots by falling `key`, in a plain loop."""
    width = len(next(objects[0] for objects in events if objects))
    table = np.zeros((len(events), n_slots, width), dtype=np.float32)
    for row, objects in enumerate(events):
        ordered = list(objects) if key is None else sorted(objects, key=lambda values: -values[key])
        for slot, values in enumerate(ordered[:n_slots]):
            for column, value in enumerate(values):
                table[row, slot, column] = value
    return table


def counted_jets(events: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """Return `n_jets` and `ht` as docs/data_formats.md defines them, of (pt, eta, …), in a plain loop."""
    table = []
    for jets in events:
        n_jets = sum(1 for pt, eta, *_ in jets if pt > 15 and abs(eta) < 4.7)
        table.append([n_jets, sum(pt for pt, eta, *_ in jets if pt > 30 and abs(eta) < 2.5)])
    return np.array(table, dtype=np.float32)


def random_jets(rng: np.random.Generator, n_events: int, width: int, mean: float = 4.0) -> list[list[list[float]]]:
    """Return jets of events: pt, eta, phi, mass and further columns, not sorted; some events have none, some many."""
    events = []
    for row in range(n_events):
        n_jets = 11 if row == 3 else 0 if row == 5 else int(rng.poisson(mean))
        jets = []
        for _ in range(n_jets):
            pt = float(np.float32(10 + rng.exponential(60)))
            jets.append([pt, *map(float, np.float32([rng.normal(0, 2), rng.uniform(-3, 3), 0.1 * pt]))])
            jets[-1] += [float(value) for value in rng.integers(0, 16, width - 4)]
        events.append(jets)
    return events


def cylindrical(px: float, py: float, pz: float) -> tuple[float, float, float]:
    """Return pt, eta and phi of one momentum."""
    pt = math.hypot(px, py)
    return pt, math.asinh(pz / pt) if pt else 0.0, math.atan2(py, px)


def turn(one: float, other: float) -> float:
    """Return the angle between two azimuths, from 0 to π."""
    return math.acos(min(1.0, max(-1.0, math.cos(one - other))))
