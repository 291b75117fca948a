"""The HDF5 file of a sample. Nothing in it depends on when, where or by how many workers it was made."""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from hepad.core.errors import UserError
from hepad.core.hdf5 import create_hdf5, open_hdf5, text_attribute
from hepad.simulation.processes import PROCESSES
from hepad.simulation.records import Array, Record, Stored, merge
from hepad.simulation.settings import Settings, generator_versions, sample_fingerprint, shower_versions

FINGERPRINT: Final = "fingerprint"
_ROWS_PER_HDF5_CHUNK: Final = 1024
_LARGEST_HDF5_CHUNK: Final = 1 << 22
_FLOAT_BITS: Final = 23
_LEVEL: Final = 4
"""Of gzip."""


def write_sample(path: Path, settings: Settings, sample: str, parts: Iterable[Record]) -> None:
    """Write the entries of `sample`, given in pieces, to `path`: aside, then renamed."""
    n = settings.n_events[sample]
    aside = path.with_name(path.name + ".tmp")
    with create_hdf5(aside, libver=("v108", "v110")) as file:
        for name, value in file_attributes(settings, sample).items():
            file.attrs[name] = value
        datasets: dict[str, h5py.Dataset] = {}
        # Whole HDF5 chunks are written once: rewriting one would leave a hole of its own size in the file.
        for start, entries in _regroup(parts, _ROWS_PER_HDF5_CHUNK):
            datasets = datasets or _create_datasets(file, entries, n)
            exact = {stored.field for stored in entries.layout if stored.exact}
            for name, values in entries.arrays().items():
                is_rounded = values.dtype.kind == "f" and name not in exact
                values = truncate_mantissa(values, settings.mantissa_bits) if is_rounded else values
                datasets[name][start : start + len(entries)] = values
    with aside.open("rb") as written:
        os.fsync(written.fileno())
    aside.replace(path)


def file_attributes(settings: Settings, sample: str) -> dict[str, Any]:
    """Return the attributes of a sample's file: what it is, and all that is needed to make it again."""
    row = PROCESSES[sample]
    if row.shower is not None:
        return _shower_attributes(settings, sample)
    versions = generator_versions()
    pileup = settings.pileup_of(sample)
    around = "particle level without pileup" if row.dijets else f"pileup {pileup:g}"
    return {
        "sample": sample,
        "source": f"hepad simulation: {row.description}, 13 TeV, {around}",
        "hepad_version": versions["hepad"],
        "pythia_version": versions["pythia8mc"],
        "fastjet_version": versions["fastjet"],
        "numpy_version": versions["numpy"],
        "seed": settings.seed,
        "pileup_mean": pileup,
        "chunk_size": settings.chunk_size,
        "mantissa_bits": settings.mantissa_bits,
        "pythia_settings": json.dumps(row.settings or ()),
        "selection": row.selection or "",
        FINGERPRINT: sample_fingerprint(settings, sample),
    }


def _shower_attributes(settings: Settings, sample: str) -> dict[str, Any]:
    showers = settings.showers
    energies = f"{showers.min_energy:g} to {showers.max_energy:g} GeV"
    versions = shower_versions()
    return {
        "sample": sample,
        "source": f"hepad simulation: {PROCESSES[sample].description}, {energies}, {showers.cells}³ cells",
        "hepad_version": versions["hepad"],
        "numpy_version": versions["numpy"],
        "scipy_version": versions["scipy"],
        "seed": settings.seed,
        "chunk_size": settings.chunk_size,
        "mantissa_bits": settings.mantissa_bits,
        **asdict(showers),
        FINGERPRINT: sample_fingerprint(settings, sample),
    }


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint of a sample's file, or None if it is no file of this simulation."""
    try:
        with open_hdf5(path) as file:
            return text_attribute(file, FINGERPRINT) or None
    except UserError:
        return None


def truncate_mantissa(values: Array, bits: int) -> Array:
    """Keep the leading `bits` of the 23 bits of the mantissa of float32 values, towards zero, as NanoAOD does.

    12 bits keep a relative precision of 2⁻¹² and compress to less than half; no value leaves its range and no
    order is inverted.
    """
    mask = np.uint32((0xFFFFFFFF << (_FLOAT_BITS - bits)) & 0xFFFFFFFF)
    return (np.ascontiguousarray(values, dtype=np.float32).view(np.uint32) & mask).view(np.float32)


def _create_datasets(file: h5py.File, entries: Record, n: int) -> dict[str, h5py.Dataset]:
    """Return field → an empty data set for `n` rows like those of `entries`."""
    arrays = entries.arrays()
    created = {stored.field: _dataset(file, stored, (n, *arrays[stored.field].shape[1:])) for stored in entries.layout}
    for stored in entries.layout:
        if stored.features is not None:
            created[stored.field].attrs["features"] = list(stored.features)
        if stored.unit is not None:
            created[stored.field].attrs["units"] = stored.unit
    return created


def _dataset(file: h5py.File, stored: Stored, shape: tuple[int, ...]) -> h5py.Dataset:
    rows = _ROWS_PER_HDF5_CHUNK
    # Halves of it, so that what is written at once is whole chunks still.
    while rows > 1 and rows * math.prod(shape[1:]) * np.dtype(stored.dtype).itemsize > _LARGEST_HDF5_CHUNK:
        rows //= 2
    return file.create_dataset(
        stored.dataset,
        shape,
        stored.dtype,
        chunks=(min(rows, shape[0]), *shape[1:]),
        shuffle=True,
        compression="gzip",
        # 9 takes thirty times as long on showers, and saves a tenth of the bytes.
        compression_opts=_LEVEL,
        track_times=False,
    )


def _regroup(parts: Iterable[Record], size: int) -> Iterable[tuple[int, Record]]:
    """Yield the entries of `parts` in pieces of `size` with the number of the first."""
    start = 0
    waiting: list[Record] = []
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
