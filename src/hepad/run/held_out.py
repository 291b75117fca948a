"""Scores of the background that a run has not trained on: of its validation part, and of its test part."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hepad.config import RunConfig
from hepad.core.batch import Batch, take_rows
from hepad.core.errors import UserError
from hepad.data import AnomalyDataModule
from hepad.data.entries import join_entries
from hepad.models import AnomalyModel
from hepad.run.calibration import BackgroundScores
from hepad.run.evaluation_data import evaluation_data
from hepad.rundir.facts import read_provenance, trained_samples
from hepad.scores.forward import Forward, scoring_device


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Background in two parts that share no entry, neither of which trained.

    Attributes:
        chosen: what thresholds are chosen on.
        tested: what they are tested on.
        background: name of the sample, or of the file.
        origin: the two parts in words.
    """

    chosen: BackgroundScores
    tested: BackgroundScores
    background: str
    origin: str


def own_data(settings: RunConfig, directory: Path) -> AnomalyDataModule:
    """Return the datamodule of a run with what it was trained on, and no other sample.

    Raises:
        UserError: the files are gone or have changed.
    """
    facts = read_provenance(directory)
    wanted = set(trained_samples(facts))
    samples = {name: given for name, given in settings.data.samples.items() if name in wanted}
    alone = settings.changed({"data.samples": samples, "data.bundled": False})
    return evaluation_data(alone, settings, facts)[0]


def own_held_out(settings: RunConfig, model: AnomalyModel, directory: Path, device: str = "auto") -> HeldOut:
    """Return the scores of a run's own validation and test parts.

    Raises:
        UserError: the run's files are gone, or nothing of its background validates.
    """
    forward = Forward(model, scoring_device(device))
    data = own_data(settings, directory)
    parts = [
        found.val
        for found in data.role_entries
        if found.role.sample == data.background and found.role.label in (None, 0) and len(found.val)
    ]
    if not parts:
        raise UserError(
            f"{directory}: nothing of {data.background} validates as background; give background that did not train "
            "with background=FILE"
        )
    return HeldOut(
        background_scores(forward, join_entries(parts).batch),
        background_scores(forward, data.test_entries[data.background].batch),
        data.background,
        "validation and test part of the run",
    )


def background_scores(forward: Forward, batch: Batch) -> BackgroundScores:
    """Return the scores of entries in memory, in the chunks in which a file is scored."""
    size = forward.rows_at_once
    starts = range(0, len(batch.x), size)
    with closing(forward.scores(starts, lambda start: take_rows(batch, slice(start, start + size)))) as found:  # type: ignore[type-var]
        scores = np.concatenate([values for _, values in found])
    return BackgroundScores(scores, None if batch.weight is None else batch.weight.to(torch.float32).numpy())
