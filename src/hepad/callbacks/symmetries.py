"""Scores of transformed entries, to see whether a model cares for what is arbitrary: where φ = 0 was put."""

from typing import Final

import torch

from hepad.batch import on_device, take_rows
from hepad.data import AnomalyDataModule
from hepad.exhibits import TransformedScores
from hepad.models import AnomalyModel

N_ENTRIES: Final = 500
"""Entries of each sample that are scored under every transformation: enough for two digits, and soon done."""


@torch.no_grad()
def transformed_scores(model: AnomalyModel, data: AnomalyDataModule) -> list[TransformedScores]:
    """Score the first entries of every tested sample under each symmetry of the data."""
    found = []
    for symmetry, transformations in data.symmetries.items():
        scores = {}
        for name, entries in data.test_entries.items():
            batch = on_device(take_rows(entries.batch, slice(N_ENTRIES)), model.device)
            images = [batch.x, *(transform(batch.x) for transform in transformations)]
            scores[name] = torch.stack([model.anomaly_score(batch._replace(x=x)).cpu() for x in images])
        found.append(TransformedScores(symmetry, scores))
    return found
