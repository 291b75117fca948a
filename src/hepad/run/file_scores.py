"""Scores of all entries of a file in memory: a background to choose thresholds on, or data to check them on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.files import file_sha256, require_file
from hepad.core.hdf5 import open_hdf5
from hepad.data.observed import read_observable
from hepad.formats.direct import direct_file
from hepad.run.calibration import BackgroundScores
from hepad.run.held_out import HeldOut
from hepad.run.loading import Run
from hepad.run.scored_entries import ScoredEntries, Tally
from hepad.run.scoring import scores_of_entries
from hepad.run.scoring_input import read_entries, reader_of_run, rows_of
from hepad.rundir.facts import read_provenance, trained_samples
from hepad.scores.forward import Forward, scoring_device


@dataclass(frozen=True, eq=False)
class ObservedScores:
    """Scores of a file with what else its rows say.

    Attributes:
        entries: scores, rows and weights.
        columns: name → `(N,)`; those that the file has.
    """

    entries: ScoredEntries
    columns: dict[str, NDArray[np.float64]]


def scores_of_file(
    run: Run, source: Path, key: str, device: str = "auto", columns: Sequence[str] = ()
) -> ObservedScores:
    """Score all entries of a file, and read columns of its rows.

    Args:
        run: the run.
        source: the file.
        key: by which it was given, for messages.
        device: where to compute.
        columns: names of data sets `(rows,)` or columns of `event_features`; those that are not there are left out.

    Raises:
        UserError: a file of another kind, or nothing in it.
    """
    path = direct_file(str(require_file(source, key)), key, run.settings.data.format)
    data = reader_of_run(run, path, None)
    with open_hdf5(path) as file:
        n_rows, step = rows_of(file, data, path)
        entries = read_entries(file, data, run, path, range(0, n_rows, step))
        blocks = list(scores_of_entries(entries, Forward(run.model, scoring_device(device)), Tally(), path))
        if not blocks or not sum(map(len, blocks)):
            raise UserError(f"{key}={source} holds nothing to score")
        found = ScoredEntries.join(blocks)
        if n_bad := int((~np.isfinite(found.score)).sum()):
            raise UserError(f"{key}={source}: the scores of {n_bad} of {len(found)} entries are NaN or infinite")
        known = {name: read_observable(file, name, n_rows, found.index) for name in columns}
    return ObservedScores(found, {name: values for name, values in known.items() if values is not None})


def file_held_out(run: Run, source: Path, device: str = "auto") -> HeldOut:
    """Return the scores of a background in a file of its own: every other row chooses, the rest tests.

    Raises:
        UserError: the run was trained on the file, or it cannot be scored.
    """
    facts = read_provenance(run.directory)
    trained = {facts.get("data", {}).get(name, {}).get("sha256") for name in trained_samples(facts)}
    if file_sha256(require_file(source, "background")) in trained:
        raise UserError(
            f"background={source}: the run was trained on this very file; leave background out to use its validation "
            "and test parts"
        )
    entries = scores_of_file(run, source, "background", device).entries
    # By rows, so that the jets of an event stay together.
    chooses = entries.index % 2 == 0
    parts = [
        BackgroundScores(entries.score[rows], None if entries.weight is None else entries.weight[rows])
        for rows in (chooses, ~chooses)
    ]
    if any(not len(part.score) for part in parts):
        raise UserError(f"background={source}: two rows are needed at least, one to choose on and one to test on")
    return HeldOut(parts[0], parts[1], source.name, "even and odd rows of a file")
