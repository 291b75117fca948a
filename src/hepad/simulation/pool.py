"""The pileup pool: minimum-bias collisions on disk, shared by all workers and by later runs."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from hepad.simulation.chunks import read_arrays
from hepad.simulation.collisions import Collisions
from hepad.simulation.settings import POOL_CHUNK, Settings, pool_fingerprint

_COMPLETE: Final = "complete.json"
_NAMES: Final = tuple(field.name for field in fields(Collisions))


def pool_directory(parent: Path, settings: Settings) -> Path:
    """Return the directory of the pool of `settings`: pools made with other settings are elsewhere."""
    return parent / pool_fingerprint(settings)


def pool_chunks(settings: Settings) -> list[int]:
    """Return the number of collisions of each chunk of the pool."""
    return [min(POOL_CHUNK, settings.pool_size - start) for start in range(0, settings.pool_size, POOL_CHUNK)]


def is_complete(directory: Path) -> bool:
    """Tell whether the pool in `directory` is finished and its files have the size they had then."""
    try:
        sizes = json.loads((directory / _COMPLETE).read_text())
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def join_pool(directory: Path, chunks: list[Path], fingerprint: str) -> None:
    """Join finished chunks to one flat file per array, which workers map into memory; then drop the chunks."""
    for name in _NAMES:
        parts = []
        for path in chunks:
            arrays = read_arrays(path, fingerprint)
            if arrays is None:
                raise RuntimeError(f"the chunk {path} is damaged; run the command again to make it anew")
            parts.append(arrays[name])
        aside = directory / f"{name}.npy.tmp"
        with aside.open("wb") as file:
            np.save(file, np.concatenate(parts))
        aside.replace(directory / f"{name}.npy")
    sizes = {f"{name}.npy": (directory / f"{name}.npy").stat().st_size for name in _NAMES}
    aside = directory / f"{_COMPLETE}.tmp"
    aside.write_text(json.dumps(sizes))
    aside.replace(directory / _COMPLETE)
    for path in chunks:
        path.unlink()


def load_pool(directory: Path) -> Collisions:
    """Map a finished pool into memory; only what is used is read."""
    return Collisions(**{name: np.asarray(np.load(directory / f"{name}.npy", mmap_mode="r")) for name in _NAMES})
