"""Settings of a simulation, checked, and the fingerprints that keep unlike pieces apart."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np

from hepad import __version__
from hepad.core.errors import UserError
from hepad.core.threads import usable_cores
from hepad.simulation.processes import PROCESSES, process
from hepad.simulation.showers import ShowerSettings

REVISION: Final = 3
"""Raised whenever the same seed gives other events than before."""
SHOWER_REVISION: Final = 1
"""The same of showers."""
MAX_SEED: Final = 2**63 - 1


@dataclass(frozen=True)
class Settings:
    """Everything that decides which events are made.

    `n_events` is the number of events per sample; `chunk_size` the number made from one seed.
    """

    n_events: Mapping[str, int]
    seed: int = 42
    pileup_mean: float = 27.0
    chunk_size: int = 250
    mantissa_bits: int = 23
    showers: ShowerSettings = field(default_factory=ShowerSettings)

    def __post_init__(self) -> None:
        if not self.n_events:
            raise UserError(f"samples is empty; choose from {', '.join(PROCESSES)}")
        for sample, n in self.n_events.items():
            process(sample)
            _check_whole(f"n_events of {sample}", n, 1)
        _check_whole("seed", self.seed, 0, MAX_SEED)
        _check_whole("chunk_size", self.chunk_size, 1, 100_000)
        _check_whole("mantissa_bits", self.mantissa_bits, 4, 23)
        if not 0 <= self.pileup_mean <= 500:
            raise UserError(f"pileup.mean is {self.pileup_mean}; it must be between 0 and 500")
        if self.pileup_mean == 0 and "zero_bias" in self.n_events:
            raise UserError("zero_bias is made of pileup only: pileup.mean must be above 0, or leave it out")

    def pileup_of(self, sample: str) -> float:
        """Return the mean number of collisions that are added to an event of `sample`; dijets and showers have none."""
        row = PROCESSES[sample]
        return 0.0 if row.dijets or row.shower else self.pileup_mean


def _check_whole(name: str, value: Any, low: int, high: int | None = None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"from {low} to {high}"
        raise UserError(f"{name} is {value!r}; it must be a whole number, {limits}")


def events_per_sample(samples: Sequence[str], n_events: int | Mapping[str, int]) -> dict[str, int]:
    """Return the number of events of each of `samples`, from one number for all or one per sample."""
    if isinstance(samples, str):
        samples = [samples]
    if len(set(samples)) != len(samples):
        raise UserError(f"samples names {next(s for s in samples if list(samples).count(s) > 1)} twice")
    for sample in samples:
        process(sample)
    if not isinstance(n_events, Mapping):
        return dict.fromkeys(samples, n_events)
    for sample in samples:
        if sample not in n_events:
            raise UserError(f"n_events has no number for {sample}; give n_events={{{sample}: 1000, …}}")
    for sample in n_events:
        if sample not in samples:
            raise UserError(f"n_events names {sample}, which is not in samples")
    return {sample: n_events[sample] for sample in samples}


def generator_versions() -> dict[str, str]:
    """Return the versions of what decides the events: hepad, Pythia, FastJet and NumPy."""
    try:
        packages = {name: metadata.version(name) for name in ("pythia8mc", "fastjet", "numpy")}
    except metadata.PackageNotFoundError as error:
        raise UserError(
            f'simulation needs the package {error.name}: install it with pip install "hepad[simulation]"'
        ) from error
    return {"hepad": __version__, **packages}


def shower_versions() -> dict[str, str]:
    """Return the versions of what decides the showers: hepad, NumPy and SciPy."""
    return {"hepad": __version__, **{name: metadata.version(name) for name in ("numpy", "scipy")}}


def sample_fingerprint(settings: Settings, sample: str) -> str:
    """Return what names a sample: anything that would change one of its events changes this."""
    if PROCESSES[sample].shower is not None:
        return _digest(
            sample,
            settings.n_events[sample],
            settings.seed,
            settings.chunk_size,
            settings.mantissa_bits,
            asdict(settings.showers),
            SHOWER_REVISION,
            shower_versions(),
        )
    from hepad.simulation.generator import generation_settings

    row = PROCESSES[sample]
    return _digest(
        sample,
        row.settings,
        row.selection,
        settings.n_events[sample],
        settings.seed,
        settings.pileup_of(sample),
        settings.chunk_size,
        settings.mantissa_bits,
        generation_settings(),
        REVISION,
        generator_versions(),
    )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class ChunkSeeds(NamedTuple):
    """Seeds of one chunk: of Pythia for hard collisions and for pileup, and of the detector."""

    hard: int
    pileup: int
    detector: np.random.SeedSequence


def chunk_seeds(seed: int, sample: str, chunk: int) -> ChunkSeeds:
    """Return the seeds of one chunk of `sample`."""
    sequence = np.random.SeedSequence(seed, spawn_key=(crc32(sample.encode()), chunk))
    hard, detector, pileup = sequence.spawn(3)
    return ChunkSeeds(_pythia_seed(hard), _pythia_seed(pileup), detector)


def _pythia_seed(sequence: np.random.SeedSequence) -> int:
    # Pythia takes seeds from 1 to 900 000 000.
    return int(sequence.generate_state(1, np.uint64)[0] % 900_000_000) + 1


def check_workers(workers: int | None) -> int:
    """Return the number of worker processes; None means one per core."""
    if workers is None:
        return usable_cores()
    _check_whole("workers", workers, 1, 4096)
    return workers


def check_directory(name: str, directory: Path) -> None:
    """Raise `UserError` if `directory`, given by the key `name`, cannot be made or written. Makes nothing."""
    existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise UserError(f"{name}={directory} cannot be a directory: {existing} is a file; choose another {name}=DIR")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{name}={directory} cannot be written: no permission in {existing}; choose another {name}=DIR")
