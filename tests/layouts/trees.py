"""Trees as uproot writes them."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from tests.layouts.plain import N_EVENTS

F4 = np.float32


def jagged(events: list[list[list[float]]], column: int, dtype: Any = F4) -> ak.Array:
    """One column of all objects, as uproot writes it."""
    counts = [len(objects) for objects in events]
    values = np.array([values[column] for objects in events for values in objects], dtype=dtype)
    return ak.unflatten(values, counts)


def write_tree(path: Path, tree: str, columns: dict[str, Any]) -> None:
    """Write a tree; the counters of jagged columns are uproot's."""
    types = {
        name: ak.type(array).content if isinstance(array, ak.Array) else array.dtype for name, array in columns.items()
    }
    with uproot.recreate(path) as root:
        written = root.mktree(tree, types)
        written.extend(columns)


def identifiers(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "run": np.full(N_EVENTS, 320_000, dtype=np.uint32),
        "luminosityBlock": rng.integers(1, 9, N_EVENTS).astype(np.uint32),
        "event": rng.integers(0, 2**40, N_EVENTS).astype(np.uint64),
    }
