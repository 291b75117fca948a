"""The most anomalous tested entries of a run, by the scores that it kept, or made anew where it kept none."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from hepad.callbacks.top_entries import TopEntries, top_entries
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.data import AnomalyDataModule
from hepad.metrics import ScoredSample
from hepad.models import AnomalyModel, Explanation
from hepad.run.evaluation_data import evaluation_data
from hepad.run.held_out import background_scores
from hepad.scores.forward import Forward, scoring_device

_SCORES: Final = "scores.h5"


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
    # A pretrained scorer ships without them.
    kept = settings.inference is not None or (run_dir / _SCORES).exists()
    scores = _scores(run_dir, data) if kept else _made_scores(model, data)
    # What one pass contributes is not what a search found.
    explain = None if settings.inference is None else partial(_kept_contributions, run_dir)
    return data, top_entries(model, data, scores, n, explain)


def _kept_contributions(run_dir: Path, places: Sequence[tuple[str, int]]) -> Explanation | None:
    """Return the contributions that scores.h5 keeps of tested entries; None where it keeps none of one of them."""
    values, scores = [], []
    with open_hdf5(run_dir / _SCORES) as file:
        for sample, position in places:
            if f"{sample}/top_entry" not in file:
                return None
            names = ("top_entry", "top_contributions", "score")
            at, kept, score = (read_rows(safe_dataset(file, f"{sample}/{name}")) for name in names)
            rows = np.flatnonzero(at == position)
            if not len(rows) or len(kept) != len(at):
                return None
            values.append(torch.from_numpy(kept[rows[0]]))
            scores.append(float(score[position]))
    total = torch.tensor(scores)
    return Explanation(torch.stack(values), total, torch.zeros_like(total), "terms")


def _made_scores(model: AnomalyModel, data: AnomalyDataModule) -> dict[str, ScoredSample]:
    """Return the scores of all tested entries by one pass through the model, on the CPU."""
    forward = Forward(model, scoring_device("cpu"))
    found = {}
    for name, entries in data.test_entries.items():
        known = background_scores(forward, entries.batch)
        weight = None if known.weight is None else known.weight.astype(np.float64)
        found[name] = ScoredSample(name, known.score.astype(np.float64), weight=weight)
    return found


def _scores(run_dir: Path, data: AnomalyDataModule) -> dict[str, ScoredSample]:
    """Return the scores that a run kept of its tested entries, which must be those of the data."""
    found = {}
    with open_hdf5(run_dir / _SCORES) as file:
        for name, entries in data.test_entries.items():
            if name not in file:
                raise UserError(f"{run_dir / _SCORES} has no scores of {name}; evaluate the run again")
            score, index = (read_rows(safe_dataset(file, f"{name}/{column}")) for column in ("score", "index"))
            if score.shape != index.shape or not np.array_equal(index, entries.index):
                raise UserError(
                    f"{run_dir / _SCORES}: the rows of {name} are not those of {data.file_of(name)}; it has "
                    "changed, or the scores are damaged"
                )
            weight = None if entries.batch.weight is None else entries.batch.weight.double().numpy()
            try:
                found[name] = ScoredSample(name, score.astype(np.float64), weight=weight)
            except ValueError as error:
                raise UserError(f"{run_dir / _SCORES}: {error}") from error
    return found
