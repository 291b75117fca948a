"""Scores by sample and row of the source file: what one run hands to the next as targets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.core.hdf5 import has_dataset, open_hdf5, read_rows, safe_dataset, text_attribute, write_hdf5
from hepad.data.entries import Entries

_MOST_SLOTS: Final = 1 << 20


@dataclass(frozen=True)
class RowScores:
    """The scores of entries of one sample.

    Attributes:
        score: `(N,)` one finite number per entry.
        index: `(N,)` int64 row of each entry in the source file.
        slot: `(N,)` int64 position of a jet in its event, where entries are jets.
        sha256: hash of the source file; empty where it is not known.
    """

    score: NDArray[np.floating]
    index: NDArray[np.int64]
    slot: NDArray[np.int64] | None = None
    sha256: str = ""

    def of(self, entries: Entries, what: str) -> Tensor:
        """Return the score of each entry, `(M,)`; raise `UserError`, which begins with `what`, where one has none."""
        if (entries.slot is None) != (self.slot is None):
            raise UserError(
                f"{what}: scores of {'single jets' if self.slot is not None else 'whole rows'}, not of these"
            )
        wanted, known = _keys(entries.index, entries.slot), _keys(self.index, self.slot)
        order = np.argsort(known, kind="stable")
        found = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
        if (missing := known[found] != wanted).any():
            first = int(missing.argmax())
            raise UserError(
                f"{what}: no score of {int(missing.sum())} of {len(wanted)} entries, first that of row "
                f"{entries.index[first]}; score all of them"
            )
        return torch.from_numpy(self.score[found])


def row_scores(parts: Mapping[str, list[tuple[Entries, Tensor]]], files: Mapping[str, Path]) -> dict[str, RowScores]:
    """Return the scores of several parts of each sample as one, in the order of the source file.

    Args:
        parts: sample → the entries of each part and their scores.
        files: sample → its source file.
    """
    joined = {}
    for sample, scored in parts.items():
        index = np.concatenate([entries.index for entries, _ in scored])
        slots = [entries.slot for entries, _ in scored if entries.slot is not None]
        slot = np.concatenate(slots) if slots else None
        order = np.argsort(_keys(index, slot), kind="stable")
        score = torch.cat([score for _, score in scored]).numpy()
        joined[sample] = RowScores(
            score[order], index[order], None if slot is None else slot[order], file_sha256(files[sample])
        )
    return joined


def write_row_scores(path: Path, scores: Mapping[str, RowScores], attributes: Mapping[str, str]) -> None:
    """Write `/<sample>/score`, `/<sample>/index` and, of jets, `/<sample>/slot`, as in a run's scores.h5, in one step.

    Args:
        path: the file.
        scores: sample → scores.
        attributes: what the file should say of where its scores are from.
    """
    with write_hdf5(path) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        for sample, found in scores.items():
            group = file.create_group(sample)
            group.attrs["sha256"] = found.sha256
            group.create_dataset("score", data=found.score)
            group.create_dataset("index", data=found.index.astype("<i8"))
            if found.slot is not None:
                group.create_dataset("slot", data=found.slot.astype("<i8"))


def read_row_scores(path: Path, samples: Mapping[str, Path]) -> dict[str, RowScores]:
    """Read the scores of samples, from a file such as `write_row_scores` or a run's evaluation writes.

    Args:
        path: the file.
        samples: sample → its source file; where the scores say of which file they are, it must be that one.

    Raises:
        UserError: a sample is missing, is of another file, has a row twice, or a score that is NaN or infinite.
    """
    with open_hdf5(path) as file:
        return {sample: _read_sample(file, path, sample, source) for sample, source in samples.items()}


def with_targets(entries: Entries, scores: RowScores, what: str) -> Entries:
    """Return entries that carry their scores as targets."""
    return replace(entries, batch=entries.batch._replace(target=scores.of(entries, what)))


def _read_sample(file: h5py.File, path: Path, sample: str, source: Path) -> RowScores:
    where = f"data.targets={path}"
    if not has_dataset(file, f"{sample}/score"):
        raise UserError(f"{where}: no scores of {sample}; it holds {', '.join(file) or 'nothing'}")
    columns: dict[str, Any] = {
        name: read_rows(safe_dataset(file, f"{sample}/{name}"))
        for name in ("score", "index", "slot")
        if name != "slot" or has_dataset(file, f"{sample}/slot")
    }
    score, index, slot = columns["score"], columns["index"].astype(np.int64), columns.get("slot")
    if any(column.shape != score.shape or column.ndim != 1 for column in columns.values()) or not len(score):
        raise UserError(f"{where}: score and index of {sample} are no columns of one length; write the file anew")
    if not (finite := np.isfinite(score)).all():
        raise UserError(
            f"{where}: {int((~finite).sum())} of {len(score)} scores of {sample} are NaN or infinite, first that of "
            f"row {index[int((~finite).argmax())]}; score those entries again"
        )
    slot = None if slot is None else slot.astype(np.int64)
    if len(np.unique(_keys(index, slot))) < len(index):
        raise UserError(f"{where}: a row of {sample} is there twice; write the file anew")
    known = text_attribute(file[sample], "sha256")
    if known and known != file_sha256(source):
        raise UserError(f"{where}: the scores of {sample} are of another file than {source}; score that one")
    return RowScores(score if score.dtype == np.float64 else score.astype(np.float32), index, slot, known)


def _keys(index: NDArray[np.int64], slot: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """One number per entry, the same for the same row and slot."""
    return index if slot is None else index * _MOST_SLOTS + slot
