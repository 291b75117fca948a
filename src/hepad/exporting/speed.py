"""Latency and throughput of an exported file, measured where it was made."""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from hepad.core.batch import Batch, take_rows
from hepad.exporting.runtimes import Scoring
from hepad.exporting.scorer import Scorer

_SECONDS: Final = 0.3
_MANY: Final = 1024


@dataclass(frozen=True)
class Speed:
    """Speed of one exported file.

    Attributes:
        latency: median time (s) of one entry alone.
        latency_99: time (s) that 99% of them need at most.
        throughput: entries per second in batches of `batch`.
        batch: how many at once.
    """

    latency: float
    latency_99: float
    throughput: float
    batch: int


def measured(scorer: Scorer, exported: Scoring, entries: Batch) -> Speed:
    """Return the speed of an exported file on entries, for a fraction of a second each."""
    # As many as there are, again and again.
    rows = torch.arange(_MANY) % len(entries.x)
    one, many = (
        [array.numpy() for array in scorer.arrays(batch)]
        for batch in (take_rows(entries, slice(1)), take_rows(entries, rows))
    )
    times = []
    for arrays in (one, many):
        exported(arrays)
        found: list[float] = []
        while sum(found) < _SECONDS or len(found) < 5:
            began = time.perf_counter()
            exported(arrays)
            found.append(time.perf_counter() - began)
        times.append(np.array(found))
    median, late = np.quantile(times[0], [0.5, 0.99])
    return Speed(float(median), float(late), _MANY / float(np.median(times[1])), _MANY)
