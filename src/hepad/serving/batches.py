"""Entries of one request, and the scores made of them; what a request is refused with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.run.loading import Run
from hepad.run.score_beside import ScoreBeside

_FEWEST: Final = 16

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

    def scores(batch: GivenBatch) -> NDArray[np.float32]:
        return run.score(batch.entries, batch.features, batch.mask, batch.context, device)

    def scored(batch: GivenBatch) -> Columns:
        n = len(batch.entries)
        try:
            score = scores(_filled(batch))[:n]
        except UserError:
            # In the words of the entries that were sent, and of no others.
            score = scores(batch)
        return {"score": score, **beside.columns(score)}

    return scored


def _filled(batch: GivenBatch) -> GivenBatch:
    """Return a batch of at least `_FEWEST` entries, the last again and again.

    Products of a few rows are added up in another order than those of many: of single jets, 4 scores in 100 had
    another last bit alone than among others. Filled up, a score does not tell who asked at the same time.
    """
    missing = _FEWEST - len(batch.entries)
    if missing <= 0:
        return batch

    def filled(values: Any) -> Any:
        if values is None or np.ndim(values) == 0 or len(values) != len(batch.entries):
            return values
        return np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])

    return GivenBatch(filled(batch.entries), batch.features, filled(batch.mask), filled(batch.context))


def float_array(values: Any) -> NDArray[np.float32]:
    """Return numbers as float32; one beyond its range is inf, which is refused where it is scored."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, dtype=np.float32)
