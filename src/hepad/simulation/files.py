"""The HDF5 file of a sample. Nothing in it depends on when, where or by how many workers it was made."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from hepad.schema import (
    CALO_DATASET,
    CALO_SHAPE,
    EVENT_FEATURES,
    EVENT_FEATURES_DATASET,
    JET_DATASET,
    JET_FEATURES,
    N_JETS,
)
from hepad.simulation.arrays import Array
from hepad.simulation.event import Events
from hepad.simulation.processes import PROCESSES
from hepad.simulation.settings import Settings, generator_versions, sample_fingerprint

FLAVOUR_DATASET: Final = "jet_hadron_flavour"
"""True hadron flavour of the jets, (N, 8) int8: 0, 4 or 5, −1 for empty slots. For checks, never an input."""
FINGERPRINT: Final = "fingerprint"
_ROWS_PER_HDF5_CHUNK: Final = 1024
_FLOAT_BITS: Final = 23


def write_sample(path: Path, settings: Settings, sample: str, parts: Iterable[Events]) -> None:
    """Write the events of `sample`, given in pieces, to `path`: aside, then renamed."""
    n = settings.n_events[sample]
    aside = path.with_name(path.name + ".tmp")
    with h5py.File(aside, "w", libver=("v108", "v110")) as file:
        for name, value in file_attributes(settings, sample).items():
            file.attrs[name] = value
        jets = _dataset(file, JET_DATASET, (n, N_JETS, len(JET_FEATURES)), "<f4")
        regions = _dataset(file, CALO_DATASET, (n, *CALO_SHAPE), "<u2")
        features = _dataset(file, EVENT_FEATURES_DATASET, (n, len(EVENT_FEATURES)), "<f4")
        flavour = _dataset(file, FLAVOUR_DATASET, (n, N_JETS), "i1")
        jets.attrs["features"] = list(JET_FEATURES)
        features.attrs["features"] = list(EVENT_FEATURES)
        # Whole HDF5 chunks are written once: rewriting one would leave a hole of its own size in the file.
        for start, events in _regroup(parts, _ROWS_PER_HDF5_CHUNK):
            rows = slice(start, start + len(events))
            jets[rows] = truncate_mantissa(events.jets, settings.mantissa_bits)
            regions[rows] = events.regions
            flavour[rows] = events.jet_flavour
            features[rows] = truncate_mantissa(events.features, settings.mantissa_bits)
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(path)


def file_attributes(settings: Settings, sample: str) -> dict[str, Any]:
    """Return the attributes of a sample's file: what it is, and all that is needed to make it again."""
    versions = generator_versions()
    row = PROCESSES[sample]
    return {
        "sample": sample,
        "source": f"hepad simulation: {row.description}, 13 TeV, pileup {settings.pileup_mean:g}",
        "hepad_version": versions["hepad"],
        "pythia_version": versions["pythia8mc"],
        "fastjet_version": versions["fastjet"],
        "numpy_version": versions["numpy"],
        "seed": settings.seed,
        "pileup_mean": settings.pileup_mean,
        "pool_size": settings.pool_size,
        "chunk_size": settings.chunk_size,
        "mantissa_bits": settings.mantissa_bits,
        "pythia_settings": json.dumps(row.settings or ()),
        "selection": row.selection or "",
        FINGERPRINT: sample_fingerprint(settings, sample),
    }


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint of a sample's file, or None if it is no file of this simulation."""
    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get(FINGERPRINT, "")) or None
    except OSError:
        return None


def truncate_mantissa(values: Array, bits: int) -> Array:
    """Keep the leading `bits` of the 23 bits of the mantissa of float32 values, towards zero, as NanoAOD does.

    12 bits keep a relative precision of 2⁻¹² and compress to less than half; no value leaves its range and no
    order is inverted.
    """
    mask = np.uint32((0xFFFFFFFF << (_FLOAT_BITS - bits)) & 0xFFFFFFFF)
    return (np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) & mask).view(np.float32)


def _dataset(file: h5py.File, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    return file.create_dataset(
        name,
        shape,
        dtype,
        chunks=(min(_ROWS_PER_HDF5_CHUNK, shape[0]), *shape[1:]),
        shuffle=True,
        compression="gzip",
        compression_opts=9,
        track_times=False,
    )


def _regroup(parts: Iterable[Events], size: int) -> Iterable[tuple[int, Events]]:
    """Yield the events of `parts` in pieces of `size` with the number of the first."""
    from hepad.simulation.chunks import merge

    start, waiting = 0, []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) < size:
            continue
        joined = merge(waiting)
        while len(joined) >= size:
            yield start, joined.select(np.arange(size))
            start += size
            joined = joined.select(np.arange(size, len(joined)))
        waiting = [joined]
    if waiting and (rest := merge(waiting)):
        yield start, rest
