"""The scores that a run left, sample by sample, in an order that runs share."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5, read_rows, safe_dataset, text_attribute
from hepad.metrics import SortedScores, sort_scores
from hepad.metrics.samples import as_weights, effective_entries
from hepad.rundir.record import RunRecord

_SLOTS = 1 << 16
_ROWS = 1 << 47


@dataclass(frozen=True, eq=False)
class SampleScores:
    """The scores of one sample's tested entries, by rising row of the source file.

    Attributes:
        score: `(N,)` float64.
        key: `(N,)` int64, rising: row in the source file, and slot where entries are jets.
        source: the kind of entry and the hash of the file (its name, where the hash is not known).
        entries: tells samples apart that do not hold exactly the same entries with the same weights.
        weight: `(N,)` weights of the entries; None where each counts once.
    """

    score: NDArray[np.float64]
    key: NDArray[np.int64]
    source: tuple[str, str]
    entries: str
    weight: NDArray[np.float64] | None = None

    @cached_property
    def ordered(self) -> SortedScores:
        """The scores sorted, once for all curves and AUCs that they enter."""
        return sort_scores(self.score, weight=self.weight)

    @property
    def effective(self) -> float:
        """Number of entries of equal weight that these are worth."""
        return self.score.size if self.weight is None else effective_entries(self.weight)


def read_scores(record: RunRecord) -> dict[str, SampleScores]:
    """Read all of a run's scores.h5, sample → scores.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = record.directory / "scores.h5"
    if not path.exists():
        state = f"{record.status}, {record.reason}" if record.reason else record.status
        # A pretrained scorer ships without them.
        again = (record.directory / "checkpoints" / "best.ckpt").is_file() and record.metrics
        advice = f"; python -m hepad.evaluate run={record.directory} in_place=true makes it" if again else ""
        raise UserError(f"{record.directory} has no scores.h5 (status: {state}); there is nothing to compare{advice}")
    with open_hdf5(path) as file:
        kind = text_attribute(file, "kind")
        found = {name: _read_sample(file, name, kind, record) for name in file}
    if not found:
        raise UserError(f"{path} holds no scores")
    return found


def read_trivial(record: RunRecord, sample: str, name: str) -> NDArray[np.float64] | None:
    """Read a trivial score of a sample's tested entries, `(N,)` ordered as `SampleScores`; None where it was not kept.

    Raises:
        UserError: scores.h5 is damaged.
    """
    with open_hdf5(record.directory / "scores.h5") as file:
        place = f"{sample}/trivial_{name}"
        if not has_dataset(file, place):
            return None
        values = _column(file, place).astype(np.float64)
        key = _read_key(file, sample)
    if values.shape != key.shape or values.size < 2 or not np.isfinite(values).all():
        return None
    return values[np.argsort(key, kind="stable")]


def _read_sample(file: h5py.File, name: str, kind: str, record: RunRecord) -> SampleScores:
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Group):
        raise UserError(f"{file.filename}:/{name} is not a group of scores")
    score = _column(file, f"{name}/score").astype(np.float64)
    key = _read_key(file, name)
    if score.shape != key.shape:
        raise UserError(f"{file.filename}:/{name}: score, index and slot must be columns of the same length")
    if n_bad := int(np.count_nonzero(~np.isfinite(score))):
        raise UserError(f"{file.filename}:/{name}: {n_bad} of {score.size} scores are NaN or infinite")
    order = np.argsort(key, kind="stable")
    score, key = score[order], key[order]
    source = (kind, _hash_of(record, name) or text_attribute(file[name], "file"))
    weight = _read_weight(file, name, order)
    weighed = b"" if weight is None else weight.tobytes()
    digest = hashlib.sha256(repr(source).encode() + key.tobytes() + weighed).hexdigest()
    return SampleScores(score, key, source, digest, weight)


def _read_key(file: h5py.File, name: str) -> NDArray[np.int64]:
    """Row in the source file, and slot where entries are jets, of a sample's entries in the order of the file."""
    index = _whole_numbers(file, f"{name}/index", _ROWS)
    # Whatever has the name of slots must be slots: without them the jets of an event could not be told apart.
    has_slots = file[name].get("slot", getlink=True) is not None
    slot = _whole_numbers(file, f"{name}/slot", _SLOTS) if has_slots else np.zeros_like(index)
    if index.shape != slot.shape:
        raise UserError(f"{file.filename}:/{name}: score, index and slot must be columns of the same length")
    return index * _SLOTS + slot


def _read_weight(file: h5py.File, name: str, order: NDArray[np.intp]) -> NDArray[np.float64] | None:
    """The weights of a sample's entries in an order; None where there are none, or all are equal."""
    if file[name].get("weight", getlink=True) is None:
        return None
    weight = read_rows(safe_dataset(file, f"{name}/weight")).astype(np.float64)
    try:
        known = as_weights(weight, order.size, "entries")
    except ValueError as error:
        raise UserError(f"{file.filename}:/{name}/weight: {error}") from error
    return None if known is None else known[order]


def _column(file: h5py.File, name: str) -> NDArray[Any]:
    dataset = safe_dataset(file, name)
    if dataset.ndim != 1:
        raise UserError(f"{file.filename}:/{name} has the shape {dataset.shape}; a column is needed")
    return read_rows(dataset)


def _whole_numbers(file: h5py.File, name: str, end: int) -> NDArray[np.int64]:
    """Read integers from 0 to below `end`."""
    values = _column(file, name)
    if values.dtype.kind not in "iu" or (values.size and not 0 <= values.min() <= values.max() < end):
        raise UserError(f"{file.filename}:/{name}: integers from 0 to below {end} are needed")
    return values.astype(np.int64)


def _hash_of(record: RunRecord, sample: str) -> str | None:
    samples: Any = record.provenance.get("data")
    facts = samples.get(sample) if isinstance(samples, dict) else None
    return facts.get("sha256") if isinstance(facts, dict) else None
