"""Small tables for searches: a falling mass, features that depend a little on it, and a bump."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.config import RunConfig, compose
from hepad.search import readable

COLUMNS = ("a", "b", "c", "m_jj")
LOW, HIGH = 2600.0, 4400.0


WINDOW = ("scan.center=3500", "scan.width=400", "scan.range=[2600,4400]")


def falling(n: int, seed: int) -> NDArray[np.float32]:
    """Return `(n, 4)` background between 2600 and 4400 GeV."""
    rng = np.random.default_rng(seed)
    u, scale = rng.random(n), 500.0
    mass = LOW - scale * np.log(1 - u * (1 - np.exp(-(HIGH - LOW) / scale)))
    drift = 0.2 * (mass - 3500) / 1000
    features = rng.normal(size=(n, 3)) + np.stack([drift, -drift, 0 * drift], axis=1)
    return np.column_stack([features, mass]).astype(np.float32)


def bump(n: int, seed: int) -> NDArray[np.float32]:
    """Return `(n, 4)` signal around 3500 GeV, away from the background in every feature."""
    rng = np.random.default_rng(seed)
    features = rng.normal([2.0, -2.0, 2.0], 0.4, size=(n, 3))
    return np.column_stack([features, rng.normal(3500, 70, n)]).astype(np.float32)


def write_rows(path: Path, rows: NDArray[np.generic], **columns: NDArray[np.generic]) -> Path:
    """Write a table with `COLUMNS`, and further data sets `(N,)` beside it."""
    with h5py.File(path, "w") as file:
        file["table"] = rows
        file["table"].attrs["features"] = list(COLUMNS)
        for name, values in columns.items():
            file[name] = values
    return path


def injected_words(directory: Path, n: int = 6000, events: int = 120) -> list[str]:
    """Write background and signal, and return the words of a study with as many events of signal."""
    write_rows(directory / "background.h5", falling(n, 1))
    write_rows(directory / "signal.h5", bump(600, 2))
    return [
        "data=table",
        "data.bundled=false",
        "data.background=background",
        f"data.samples.background={directory / 'background.h5'}",
        f"data.samples.signal={directory / 'signal.h5'}",
        "injection.sample=signal",
        f"injection.events={events}",
        *WINDOW,
    ]


TREES = "[model=trees,model.members=1,model.max_iter=30]"

QUICK = [
    "logger=none",
    "folds=2",
    "toys=0",
    "cuts=[1.0,0.1]",
    "methods.cathode.density=[model=flow,model.kind=realnvp,model.transforms=2,model.hidden=[16],trainer.max_epochs=3]",
    f"methods.cathode.classifier={TREES}",
]
"""Words of a search by `cathode` in seconds."""


def search_config(*words: str) -> RunConfig:
    """Return the config of a search, with its words as they are typed."""
    given = [f"++{word}" if word.startswith("data.samples.") else word for word in readable(words)]
    return RunConfig.of(compose("search", ["name=test", *given]))


def no_training(*_: Any) -> Any:
    """Train nothing: for plans that are only looked at."""
