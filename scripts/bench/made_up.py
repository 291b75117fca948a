"""Made-up samples in the layouts that hepad reads, and short runs on them; their numbers mean nothing."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.config import RunConfig, compose
from hepad.core.schema import CALO_DATASET, CALO_SHAPE, JET_DATASET, JET_FEATURES
from hepad.data.row_scores import RowScores, write_row_scores
from hepad.run import train

BLOCK = 1_000_000


def jets(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Return `(n, 17)` numbers above 0 of about the size of a jet's."""
    rng = np.random.default_rng(seed)
    return 15 + 20 * rng.random((n, len(JET_FEATURES)), dtype=np.float32)


def write_jets(path: Path, n: int, slots: int = 1, compression: str | None = None) -> Path:
    """Write `n` events with `slots` jets each, none of them empty, block by block."""
    shape = (n, slots, len(JET_FEATURES))
    chunks = (min(n, 1024), *shape[1:]) if compression else None
    with h5py.File(path, "w") as file:
        table = file.create_dataset(JET_DATASET, shape, "f4", chunks=chunks, compression=compression)
        table.attrs["features"] = list(JET_FEATURES)
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            table[start:stop] = jets((stop - start) * slots, seed=start).reshape(-1, *shape[1:])
    return path


def write_images(path: Path, n: int) -> Path:
    """Write `n` calorimeter images."""
    images = np.random.default_rng(0).exponential(3.0, (n, *CALO_SHAPE)).astype(np.uint16)
    with h5py.File(path, "w") as file:
        file[CALO_DATASET] = images
    return path


def write_sample(directory: Path, structure: str, n: int) -> Path:
    """Write a background sample of `n` entries of a structure, once; return its file."""
    path = directory / f"{structure}_{n}.h5"
    if path.exists():
        return path
    return write_images(path, n) if structure == "image" else write_jets(path, n, 8 if structure == "set" else 1)


def write_targets(path: Path, source: Path, n: int) -> Path:
    """Write a score for each row of a sample `background`, for models that learn scores."""
    score = np.random.default_rng(1).gamma(2.0, size=n).astype(np.float32)
    write_row_scores(path, {"background": RowScores(score, np.arange(n))}, {"source": source.name})
    return path


def run_config(directory: Path, source: Path, *words: str) -> RunConfig:
    """Return the config of a training on one sample, `background`."""
    own = [
        "data.bundled=false", "data.background=background", f"+data.samples.background={source}",
        f"paths.run={directory}",
        "evaluation.plots=false",
    ]  # fmt: skip
    return RunConfig.of(compose("train", [*words, *own]))


def trained_run(directory: Path, words: Sequence[str] = ("model=dense_ae",), structure: str = "vector") -> Path:
    """Return the directory of a run of one epoch, made where it is not there."""
    run_dir = directory / ("run_" + "_".join(words).replace("=", "-"))
    if not run_dir.exists():
        source = write_sample(directory, structure, 2000)
        train(run_config(run_dir, source, *words, "trainer.max_epochs=1", "logger=none"), run_dir)
    return run_dir
