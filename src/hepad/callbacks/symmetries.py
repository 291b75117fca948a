"""Scores of transformed entries, to see whether a model cares for what is arbitrary: where φ = 0 was put."""

import math
from typing import Final

import torch

from hepad.core.batch import on_device, take_rows
from hepad.core.diagnostics import TransformedScores
from hepad.core.progress import progress
from hepad.data import AnomalyDataModule
from hepad.models import AnomalyModel

N_ENTRIES: Final = 500
"""Entries of each sample that are scored under every transformation: enough for two digits, and soon done."""

_VALUES: Final = N_ENTRIES * 18 * 14
_FEWEST: Final = 50


def entries_studied(wanted: int, entry_shape: tuple[int, ...]) -> int:
    """Return of how many entries of a sample scores are studied: `wanted`, or fewer where entries are large.

    As many numbers as 500 images of 18 × 14 regions hold, but at least 50 entries, whose RMS is good to 10%.

    >>> entries_studied(500, (1, 18, 14)), entries_studied(500, (1, 40, 40)), entries_studied(500, (4, 64, 64))
    (500, 78, 50)
    """
    return min(wanted, max(_FEWEST, _VALUES // math.prod(entry_shape)))


@torch.no_grad()
def transformed_scores(
    model: AnomalyModel, data: AnomalyDataModule, wanted: int = N_ENTRIES
) -> list[TransformedScores]:
    """Score the first entries of every tested sample under each symmetry of the data; none where `wanted` is 0.

    How many scores that are, entries × orientations × samples, is said before, and how far they are.
    """
    n_entries = entries_studied(wanted, data.entry_shape)
    found = []
    for symmetry, transformations in data.symmetries.items() if wanted else ():
        scores = {}
        total = sum(min(n_entries, len(entries)) for entries in data.test_entries.values()) * (1 + len(transformations))
        if math.prod(data.entry_shape) > _VALUES // N_ENTRIES:
            print(
                f"{symmetry}: {total} scores, {n_entries} entries of each sample in {1 + len(transformations)} "
                "orientations; evaluation.symmetry_entries=0 leaves it out",
                flush=True,
            )
        with progress(symmetry, total, unit="scores") as advance:
            for name, entries in data.test_entries.items():
                batch = on_device(take_rows(entries.batch, slice(n_entries)), model.device)
                tables = []
                for transform in (None, *transformations.values()):
                    x = batch.x if transform is None else transform(batch.x)
                    tables.append(model.anomaly_score(batch._replace(x=x)).cpu())
                    advance(len(x))
                scores[name] = torch.stack(tables)
        found.append(TransformedScores(symmetry, scores, tuple(transformations)))
    return found
