"""Rounding of a float32 score: how far from float64 PyTorch itself is, and an exported file beside it."""

import copy
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, take_rows
from hepad.core.float32 import exact_float32, weight_dtype
from hepad.models import AnomalyModel

COPIES: Final = 16
"""Copies of an entry whose numbers are moved to their neighbours."""

FACTOR: Final = 4.0
"""A file may be so many times as far from float64 as PyTorch's own scores of the entry and its copies are.

The worst of 10⁵ entries lies 4.4σ from its mean; the largest of 17 draws is at 2σ, and for 99% of entries at 1.2σ or
further: 4.4 over 1.2 is what the worst entry of a file has that rounds as PyTorch does.
"""

_AT_ONCE: Final = 256


def in_float64(model: AnomalyModel) -> AnomalyModel:
    """Return a copy of a model with the same weights that computes in float64.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.exporting.rounding import in_float64
    >>> from hepad.models import DenseAutoencoder
    >>> model = DenseAutoencoder((3,), loss={"_target_": "hepad.losses.MSE"}).eval()
    >>> in_float64(model).anomaly_score(Batch(torch.ones(2, 3))).dtype
    torch.float64
    """
    wide = copy.deepcopy(model).double().eval()
    for part in wide.modules():
        if isinstance(part, AnomalyModel):
            part.precision = "64-true"
    return wide


def in_parts_of_rounding(model: AnomalyModel, entries: Batch, found: NDArray[np.floating]) -> float:
    """Return how far scores are from float64, the largest over all entries, in parts of what rounding explains.

    Rounding explains `FACTOR` times the largest distance from float64 that PyTorch's own scores have, of the entry and
    of `COPIES` of it each number of which is moved at random to a neighbour in floating point, or stays. That is Monte
    Carlo arithmetic (Parker, UCLA CSD-970002, 1997) of the input alone: the copies round independently of each other,
    which the one score of the entry itself, right by chance perhaps, does not show. A 0 stays 0.

    The first entries are judged first; what is beyond 1 ends it.

    Args:
        model: in eval mode, on the CPU.
        entries: N entries in raw units.
        found: `(N,)` what a file says of them.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.exporting.rounding import in_parts_of_rounding
    >>> from hepad.models import DenseAutoencoder
    >>> model = DenseAutoencoder((3,), loss={"_target_": "hepad.losses.MSE"}).eval()
    >>> batch = Batch(torch.randn(8, 3))
    >>> score = model.anomaly_score(batch).detach().numpy()
    >>> in_parts_of_rounding(model, batch, score) <= 0.5, in_parts_of_rounding(model, batch, score * 1.001) > 1
    (True, True)
    """
    wide, generator = in_float64(model), torch.Generator().manual_seed(0)
    worst = 0.0
    for start in range(0, len(entries.x), _AT_ONCE):
        batch = take_rows(entries, slice(start, start + _AT_ONCE))
        exact = _scores(wide, batch)
        spread = np.abs(_scores(model, batch) - exact)
        for _ in range(COPIES):
            spread = np.maximum(spread, np.abs(_scores(model, _moved(batch, model, generator)) - exact))
        distance = np.abs(found[start : start + _AT_ONCE].astype(np.float64) - exact)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = np.where(distance > 0, distance / (FACTOR * spread), 0.0)
        # What is NaN on one side alone is no rounding.
        parts[np.isnan(distance) | np.isnan(parts)] = np.inf
        worst = max(worst, float(parts.max()))
        if worst > 1:
            break
    return worst


def _moved(batch: Batch, model: AnomalyModel, generator: torch.Generator) -> Batch:
    """Return a batch each number of which is one of its two neighbours, or itself; 0 stays."""
    x = batch.x.to(weight_dtype(model.precision))
    step = torch.randint(-1, 2, x.shape, generator=generator)
    moved = torch.nextafter(x, torch.full_like(x, torch.inf) * step)
    return batch._replace(x=torch.where((x == 0) | (step == 0), x, moved))


def _scores(model: AnomalyModel, batch: Batch) -> NDArray[np.float64]:
    """Return the scores of a batch in float64."""
    with torch.inference_mode(), exact_float32():
        return np.asarray(model.anomaly_score(batch).double().numpy())
