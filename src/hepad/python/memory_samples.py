"""Samples in memory as files that every datamodule reads: one for each content, so that a run finds them again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.files import cache_directory
from hepad.core.hdf5 import write_hdf5
from hepad.core.names import file_name
from hepad.core.schema import CALO_SHAPE, WEIGHT_DATASET
from hepad.data import given_array
from hepad.data.entry_file import KINDS, EntryFile
from hepad.data.given_arrays import GivenArray
from hepad.data.jet_table import AUTO
from hepad.scores.slot_rules import real_slots

_STRUCTURES: Final = {2: "vector", 3: "set", 4: "image"}
_AS_THEY_ARE: Final = ("data.periodic_phi=false", "data.augment_phi=false", "data.augment_eta=false")
"""Words for images that are no regions of a calorimeter: nothing is known of their symmetries."""


@dataclass(frozen=True)
class MemorySample:
    """Entries of a sample in memory.

    Attributes:
        name: of the sample.
        x: `(N, *entry_shape)` float32.
        names: of the columns; None for images.
        mask: `(N, S)` of sets; None of others.
        weight: `(N,)`, or None.
    """

    name: str
    x: NDArray[np.float32]
    names: tuple[str, ...] | None
    mask: NDArray[np.bool_] | None
    weight: NDArray[np.float32] | None = None

    @property
    def structure(self) -> str:
        """Structure of an entry (`hepad.core.schema`)."""
        return _STRUCTURES[self.x.ndim]


def memory_samples(
    given: Mapping[str, Any], features: Sequence[str] | None = None, weights: Mapping[str, Any] | None = None
) -> list[MemorySample]:
    """Return samples in memory as arrays of one shape: objects of ragged ones in as many slots as the first one has.

    Args:
        given: sample → entries, anything that `hepad.data.given_array` takes.
        features: names of the columns of arrays that do not name them; None for x0, x1, …
        weights: sample → `(N,)` event weights; None for none.

    Raises:
        UserError: entries that are no vectors, sets or images, hold NaN or inf, or have other columns than the first.
    """
    found: list[MemorySample] = []
    slots: int | None = None
    for name, entries in given.items():
        try:
            array = given_array(entries, slots)
        except UserError as error:
            raise UserError(f"data: sample {name}: {error}") from error
        sample = _sample(name, array, features, None if weights is None else weights.get(name))
        if sample.structure == "set" and slots is None:
            slots = sample.x.shape[1]
        found.append(sample)
    return found


def _sample(name: str, array: GivenArray, features: Sequence[str] | None, weight: Any) -> MemorySample:
    values = array.values
    if values.ndim not in _STRUCTURES or 0 in values.shape:
        raise UserError(
            f"data: sample {name} has shape {values.shape}; (N, F) vectors, (N, S, F) sets of objects or (N, C, H, W) "
            "images are needed, one entry or more"
        )
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(values, dtype=np.float32)
    if x.ndim == 4:
        return MemorySample(name, x, None, None, weight)
    names = tuple(features or ()) if array.names is None else array.names
    names = names or tuple(f"x{i}" for i in range(x.shape[-1]))
    if len(names) != x.shape[-1]:
        raise UserError(f"data: sample {name} has {x.shape[-1]} columns, features names {len(names)}")
    if x.ndim == 2:
        return MemorySample(name, x, names, None, weight)
    try:
        mask = real_slots(x, names, AUTO) if array.mask is None else array.mask
    except UserError as error:
        raise UserError(f"data: sample {name}: {error}; here a ragged awkward array says so") from error
    return MemorySample(name, np.where(mask[..., None], x, np.float32(0)), names, mask, weight)


def refuse_nonfinite(samples: Sequence[MemorySample]) -> None:
    """Raise `UserError` for the first sample with NaN or inf; the message names a row, as the user knows it."""
    for sample in samples:
        bad = ~np.isfinite(sample.x).all(axis=tuple(range(1, sample.x.ndim)))
        if bad.any():
            raise UserError(
                f"data: {int(bad.sum())} of {len(sample.x)} entries of {sample.name} hold NaN or inf, the first in row "
                f"{int(np.argmax(bad))}; leave them out, or let data.on_nonfinite=drop do so"
            )


def kind_of(sample: MemorySample, structures: frozenset[str] | None) -> str:
    """Return the kind of data (`data=…`) that reads a sample, for a model that takes entries of some structures.

    Sets become events where the model takes such, else the single objects in them.
    """
    if sample.structure == "vector":
        return "table"
    if sample.structure == "image":
        return "calo"
    return "jets" if structures is not None and "set" not in structures and "vector" in structures else "events"


def words_of_images(sample: MemorySample) -> tuple[str, ...]:
    """Return the words of a training on images: those that are no regions of the calorimeter are not turned."""
    return () if sample.structure != "image" or sample.x.shape[1:] == (1, *CALO_SHAPE) else _AS_THEY_ARE


def write_sample(sample: MemorySample, kind: str, directory: Path | None = None) -> Path:
    """Return a file of a sample that `data=<kind>` reads; one of the same content is written once.

    Args:
        sample: the sample.
        kind: of data.
        directory: where to write; None for hepad's cache (`HEPAD_CACHE`).

    Raises:
        UserError: a kind of data that has no files of such entries.
        JobError: the file cannot be written.
    """
    layout = "events" if kind == "jets" and sample.structure == "set" else kind
    wanted = {"table": ("vector",), "jets": ("vector", "set"), "events": ("set",), "constituents": ("set",)}
    if kind not in KINDS or sample.structure not in wanted.get(kind, ("image",)):
        shape = sample.x.shape[1:]
        raise UserError(f"data={kind} takes no entries of shape {shape} in memory; write a file (docs/data_formats.md)")
    digest = hashlib.sha256(f"{layout} {sample.x.shape} {sample.names}".encode())
    for part in (sample.x, sample.mask, sample.weight):
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    place = cache_directory() if directory is None else directory
    target = place / f"{file_name(sample.name)}-{digest.hexdigest()[:16]}.h5"
    if target.exists():
        return target
    with write_hdf5(target) as file:
        mask = None if sample.mask is None else torch.from_numpy(sample.mask)
        EntryFile(file, layout, len(sample.x), sample.names).add(Batch(torch.from_numpy(sample.x), mask))
        if sample.weight is not None:
            file[WEIGHT_DATASET] = sample.weight.astype("<f4")
        file.attrs["sample"] = sample.name
        file.attrs["source"] = "memory"
    return target
