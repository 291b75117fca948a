"""The most anomalous tested entries of a run, written as a sample with their scores."""

from pathlib import Path
from typing import Final

import numpy as np

from hepad import __version__
from hepad.callbacks.top_entries import top_entries
from hepad.core.errors import UserError
from hepad.core.files import require_new_file
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset, write_hdf5
from hepad.data import AnomalyDataModule
from hepad.data.entry_file import EntryFile
from hepad.metrics import ScoredSample
from hepad.run.evaluation_data import evaluation_data
from hepad.run.loading import load_run
from hepad.rundir.facts import read_provenance

_PRINTED: Final = 10


def write_top(run_dir: Path, target: Path, n: int) -> int:
    """Write the entries of the highest scores among all that a run tested, the first one first; print the first few.

    Beside the entries: `score`, `p_value`, `index` (row in the sample's file), `slot` of single jets, and `sample`, the
    place of its name in the attribute `samples`.

    Args:
        run_dir: the run.
        target: the file to write, in one step; it must not be there.
        n: how many, or as many as there are.

    Returns:
        How many were written.

    Raises:
        UserError: no such run, files that have changed, or a target in the way.
        JobError: the target cannot be written.
    """
    require_new_file(target, "output")
    run, facts = load_run(run_dir), read_provenance(run_dir)
    data, _ = evaluation_data(run.settings, run.settings, facts)
    samples = _scores(run_dir, data)
    top = top_entries(run.model, data, samples, n)
    names = list(samples)
    definition = facts.get("entries", {}).get("definition", {})
    with write_hdf5(target) as file:
        features = None if data.structure in ("image", "volume") else data.feature_names
        EntryFile(file, data.kind, len(top.entries), features, definition.get("dataset")).add(top.batch)
        file["score"] = np.array([entry.score for entry in top.entries], dtype="<f4")
        file["p_value"] = np.array([entry.p_value for entry in top.entries], dtype="<f4")
        file["index"] = np.array([entry.row for entry in top.entries], dtype="<i8")
        file["sample"] = np.array([names.index(entry.sample) for entry in top.entries], dtype="<i8")
        if all(entry.slot is not None for entry in top.entries):
            file["slot"] = np.array([entry.slot for entry in top.entries], dtype="<i8")
        file.attrs["samples"] = names
        file.attrs["source"] = "hepad top"
        file.attrs["run"] = run_dir.resolve().name
        file.attrs["hepad_version"] = __version__
    for rank, entry in enumerate(top.entries[:_PRINTED], start=1):
        event = f", event {entry.event}" if entry.event else ""
        slot = "" if entry.slot is None else f", slot {entry.slot}"
        why = f": {'; '.join(entry.words)}" if entry.words else ""
        print(f"{rank}. {entry.sample}, row {entry.row}{slot}{event}, score {entry.score:.4g}{why}")
    return len(top.entries)


def _scores(run_dir: Path, data: AnomalyDataModule) -> dict[str, ScoredSample]:
    """Return the scores that a run kept of its tested entries, which must be those of the data."""
    found = {}
    with open_hdf5(run_dir / "scores.h5") as file:
        for name, entries in data.test_entries.items():
            if name not in file:
                raise UserError(f"{run_dir / 'scores.h5'} has no scores of {name}; evaluate the run again")
            score, index = (read_rows(safe_dataset(file, f"{name}/{column}")) for column in ("score", "index"))
            if score.shape != index.shape or not np.array_equal(index, entries.index):
                raise UserError(
                    f"{run_dir / 'scores.h5'}: the rows of {name} are not those of {data.file_of(name)}; it has "
                    "changed, or the scores are damaged"
                )
            weight = None if entries.batch.weight is None else entries.batch.weight.double().numpy()
            try:
                found[name] = ScoredSample(name, score.astype(np.float64), weight=weight)
            except ValueError as error:
                raise UserError(f"{run_dir / 'scores.h5'}: {error}") from error
    return found
