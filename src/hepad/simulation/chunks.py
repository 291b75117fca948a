"""Pieces of work: a chunk of a sample, made from its own seeds and kept in a file.

A chunk depends on the settings and its number alone, never on the worker that makes it or on other chunks.
Files are written aside and renamed, so a chunk is there as a whole or not at all.
"""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np

from hepad.core.errors import UserError
from hepad.simulation.dijets import EVENTS_OF_CHUNK, Dijets, simulate_dijets
from hepad.simulation.event import Events, simulate_events
from hepad.simulation.fat_jets import FatJets, simulate_fat_jets
from hepad.simulation.generator import MINIMUM_BIAS_SETTINGS, generate, generate_records, make_pythia
from hepad.simulation.pileup import Collisions, PileupSource, concatenate
from hepad.simulation.processes import PROCESSES, Process
from hepad.simulation.records import Array, Record, merge
from hepad.simulation.request import SELECTIONS
from hepad.simulation.settings import Settings, chunk_seeds, sample_fingerprint
from hepad.simulation.showers import Showers, simulate_showers

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


def make_sample_chunk(
    path: Path, tables: Path, settings: Settings, fingerprint: str, sample: str, chunk: int, n: int
) -> int:
    """Simulate `n` selected entries of `sample` and write them; returns `n`.

    `tables` is a file of `write_minimum_bias_tables`.
    """
    write_arrays(path, _chunk_arrays(tables, settings, sample, chunk, n), fingerprint)
    return n


def _chunk_arrays(tables: Path, settings: Settings, sample: str, chunk: int, n: int) -> dict[str, Array]:
    if (kind := PROCESSES[sample].shower) is not None:
        rng = np.random.default_rng(chunk_seeds(settings.seed, sample, chunk).detector)
        return simulate_showers(kind, n, settings.showers, settings.mantissa_bits, rng).arrays()
    if PROCESSES[sample].dijets:
        return simulate_dijet_chunk(settings, sample, chunk, n).arrays()
    seed = chunk_seeds(settings.seed, sample, chunk).pileup
    pileup = minimum_bias(make_pythia(MINIMUM_BIAS_SETTINGS, seed, tables))
    return simulate_chunk(settings, sample, chunk, n, pileup).arrays()


class ChunkTask(NamedTuple):
    """Chunk to make on another machine: what `make_sample_chunk` takes, with the contents of its tables."""

    tables: bytes
    settings: Settings
    fingerprint: str
    sample: str
    chunk: int
    n: int


def make_chunk_anywhere(task: ChunkTask) -> dict[str, Array]:
    """Simulate a chunk and return its arrays.

    Raises:
        UserError: this machine would make other events, since what generates them is of another version.
    """
    if sample_fingerprint(task.settings, task.sample) != task.fingerprint:
        raise UserError("a worker has other versions of hepad, Pythia, FastJet or NumPy; start the workers alike")
    with TemporaryDirectory() as scratch:
        tables = Path(scratch) / "minimum_bias"
        tables.write_bytes(task.tables)
        return _chunk_arrays(tables, task.settings, task.sample, task.chunk, task.n)


def minimum_bias(pythia: Any) -> PileupSource:
    """Return the pileup of a chunk: the collisions that `pythia` makes, one after the other."""

    def make(n: int) -> Collisions:
        sizes = [min(_GENERATED_AT_ONCE, n - start) for start in range(0, n, _GENERATED_AT_ONCE)]
        return concatenate([generate(pythia, size) for size in sizes or [0]])

    return PileupSource(make)


def record_type(sample: str) -> type[Record]:
    """Return what an entry of `sample` is."""
    if PROCESSES[sample].shower is not None:
        return Showers
    if PROCESSES[sample].dijets:
        return Dijets
    return FatJets if PROCESSES[sample].fat_jets else Events


def simulate_dijet_chunk(settings: Settings, sample: str, chunk: int, n: int) -> Dijets:
    """Simulate chunk number `chunk` of a sample of dijets: events are made until `n` have passed the selection."""
    pythia = make_pythia(PROCESSES[sample].settings or (), chunk_seeds(settings.seed, sample, chunk).hard)
    first = chunk * EVENTS_OF_CHUNK
    kept: list[Dijets] = []
    while sum(map(len, kept)) < n:
        kept.append(simulate_dijets(generate_records(pythia, BATCH), first + BATCH * len(kept)))
    return merge(kept).select(np.arange(n))


def simulate_chunk(settings: Settings, sample: str, chunk: int, n: int, pileup: PileupSource) -> Record:
    """Simulate chunk number `chunk` of `sample`: events are made until `n` entries have passed the selection."""
    row = PROCESSES[sample]
    seeds = chunk_seeds(settings.seed, sample, chunk)
    rng = np.random.default_rng(seeds.detector)
    pythia = make_pythia(row.settings, seeds.hard) if row.settings else None
    kept: list[Record] = []
    while (n_kept := sum(map(len, kept))) < n:
        size = BATCH if row.selection or row.fat_jets else min(BATCH, n - n_kept)
        kept.append(_simulate_batch(row, pythia, rng.poisson(settings.pileup_mean, size), pileup, rng))
    return merge(kept).select(np.arange(n))


def _simulate_batch(
    row: Process, pythia: Any, n_pileup: Array, source: PileupSource, rng: np.random.Generator
) -> Record:
    """Make one event for each of `n_pileup` (E,) and return what passes the selection of `row`."""
    pileup = source.take(int(n_pileup.sum()))
    made: Record
    if row.fat_jets:
        record = generate_records(pythia, len(n_pileup))
        made, kept = simulate_fat_jets(record, row.fat_jets, pileup, n_pileup, rng)
    else:
        hard = generate(pythia, len(n_pileup)) if pythia else None
        events = simulate_events(hard, pileup, n_pileup, rng)
        kept = SELECTIONS[row.selection](events) if row.selection else np.ones(len(events), dtype=bool)
        made = events.select(kept)
    source.put_back(pileup.take(np.flatnonzero(~np.repeat(kept, n_pileup))))
    return made
