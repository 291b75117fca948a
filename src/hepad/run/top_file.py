"""The most anomalous tested entries of a run, written as a sample with their scores."""

from pathlib import Path
from typing import Final

import numpy as np

from hepad import __version__
from hepad.core.files import require_new_file
from hepad.core.hdf5 import write_hdf5
from hepad.data.entry_file import EntryFile
from hepad.run.loading import load_run
from hepad.run.tested_top import tested_top
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
    data, top = tested_top(run_dir, run.settings, run.model, facts, n)
    names = list(data.test_entries)
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
    for line in top.lines()[:_PRINTED]:
        print(line)
    return len(top.entries)
