"""Pieces of work: a chunk of the pileup pool, or of a sample, made from its own seeds and kept in a file.

A chunk depends on the settings and its number alone, never on the worker that makes it or on other chunks.
Files are written aside and renamed, so a chunk is there as a whole or not at all.
"""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.simulation.arrays import Array
from hepad.simulation.collisions import Collisions, concatenate
from hepad.simulation.event import Events, simulate_events
from hepad.simulation.fat_jets import FatJets, simulate_fat_jets
from hepad.simulation.generator import MIN_BIAS_SETTINGS, generate, generate_records, make_pythia
from hepad.simulation.processes import PROCESSES, Process
from hepad.simulation.records import Record, merge
from hepad.simulation.selections import SELECTIONS
from hepad.simulation.settings import Settings, chunk_seeds

BATCH: Final = 100
"""Events that go through the detector at once; a larger number needs more memory and is not faster."""
_GENERATED_AT_ONCE: Final = 500
_FINGERPRINT: Final = "fingerprint"


def write_arrays(path: Path, arrays: Mapping[str, Array], fingerprint: str) -> None:
    """Write named arrays to `path` at once: aside, then renamed."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with aside.open("wb") as file:
        named: dict[str, Any] = {**arrays, _FINGERPRINT: np.array(fingerprint)}
        np.savez(file, **named)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_arrays(path: Path, fingerprint: str) -> dict[str, Array] | None:
    """Return the arrays of `path`, or None if it is missing, damaged or made with other settings."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError):
        return None
    return arrays if str(arrays.pop(_FINGERPRINT, "")) == fingerprint else None


def make_pool_chunk(path: Path, settings: Settings, fingerprint: str, chunk: int, n: int) -> int:
    """Generate `n` minimum-bias collisions for the pool and write them; returns `n`."""
    seed, _ = chunk_seeds(settings.seed, "pileup pool", chunk)
    pythia = make_pythia(MIN_BIAS_SETTINGS, seed)
    sizes = [min(_GENERATED_AT_ONCE, n - start) for start in range(0, n, _GENERATED_AT_ONCE)]
    made = concatenate([generate(pythia, size) for size in sizes])
    write_arrays(path, {field.name: getattr(made, field.name) for field in fields(made)}, fingerprint)
    return n


def make_sample_chunk(
    path: Path, settings: Settings, fingerprint: str, sample: str, chunk: int, n: int, pool: Collisions
) -> int:
    """Simulate `n` selected entries of `sample` and write them; returns `n`."""
    write_arrays(path, simulate_chunk(settings, sample, chunk, n, pool).arrays(), fingerprint)
    return n


def record_type(sample: str) -> type[Record]:
    """Return what an entry of `sample` is."""
    return FatJets if PROCESSES[sample].fat_jets else Events


def simulate_chunk(settings: Settings, sample: str, chunk: int, n: int, pool: Collisions) -> Record:
    """Simulate chunk number `chunk` of `sample`: events are made until `n` entries have passed the selection."""
    row = PROCESSES[sample]
    seed, rng = chunk_seeds(settings.seed, sample, chunk)
    pythia = make_pythia(row.settings, seed) if row.settings else None
    kept: list[Record] = []
    while (n_kept := sum(map(len, kept))) < n:
        size = BATCH if row.selection or row.fat_jets else min(BATCH, n - n_kept)
        kept.append(_simulate_batch(row, pythia, size, settings.pileup_mean, pool, rng))
    return merge(kept).select(np.arange(n))


def _simulate_batch(
    row: Process, pythia: Any, size: int, pileup_mean: float, pool: Collisions, rng: np.random.Generator
) -> Record:
    """Make `size` events and return what passes the selection of `row`."""
    if row.fat_jets:
        record = generate_records(pythia, size)
        return simulate_fat_jets(record, row.fat_jets, pool, rng.poisson(pileup_mean, size), rng)
    hard = generate(pythia, size) if pythia else None
    events = simulate_events(hard, pool, rng.poisson(pileup_mean, size), rng)
    return events.select(SELECTIONS[row.selection](events)) if row.selection else events
