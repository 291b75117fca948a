"""The most anomalous tested entries of a run, by the scores that it kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hepad.callbacks.top_entries import TopEntries, top_entries
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.data import AnomalyDataModule
from hepad.metrics import ScoredSample
from hepad.models import AnomalyModel
from hepad.run.evaluation_data import evaluation_data


def tested_top(
    run_dir: Path, settings: RunConfig, model: AnomalyModel, facts: Mapping[str, Any], n: int
) -> tuple[AnomalyDataModule, TopEntries]:
    """Return the data that a run tested, and the `n` most anomalous of all their entries, or as many as there are.

    Args:
        run_dir: the run's directory.
        settings: its config.
        model: its model.
        facts: its provenance.
        n: how many.

    Raises:
        UserError: files that have changed, or scores that are not those of the tested entries.
    """
    data, _ = evaluation_data(settings, settings, facts)
    return data, top_entries(model, data, _scores(run_dir, data), n)


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
