"""Entries of one request, and the scores made of them; what a request is refused with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.run.loading import Run
from hepad.run.score_beside import ScoreBeside

Columns = dict[str, NDArray[np.generic]]


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        reason: one line that says what is wrong, and what would be right.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, eq=False)
class GivenBatch:
    """Entries of one request, as `Run.score` takes them.

    Attributes:
        entries: `(N, …)` in raw units.
        features: names of the columns; None for the run's own in their order.
        mask: which slots are real; None to tell them as the run does.
        context: `(N, K)`; None for none, or to find it among the columns.
    """

    entries: NDArray[np.float32]
    features: Sequence[str] | None = None
    mask: Any = None
    context: Any = None


def batch_scorer(run: Run, beside: ScoreBeside, device: str) -> Callable[[GivenBatch], Columns]:
    """Return what makes of a batch the columns of its answer: `score`, and those of the run's thresholds."""

    def scored(batch: GivenBatch) -> Columns:
        score = run.score(batch.entries, batch.features, batch.mask, batch.context, device)
        return {"score": score, **beside.columns(score)}

    return scored


def float_array(values: Any) -> NDArray[np.float32]:
    """Return numbers as float32; one beyond its range is inf, which is refused where it is scored."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, dtype=np.float32)
