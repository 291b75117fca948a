"""Findings of a latent search: scores, and what a reader of them should know."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import JobError
from hepad.data.entries import Entries
from hepad.inference.search import SearchResult

_LISTED: Final = 10
_FEW: Final = 0.05
_MOST: Final = 0.5


def finite_scores(found: Mapping[str, SearchResult], reduction: str) -> dict[str, NDArray[np.float32]]:
    """Return sample → `(N,)` scores: the mean or minimum over the restarts whose loss stayed finite.

    An entry all of whose restarts failed gets the largest score of any entry of any sample. What it had come to before
    says how long the search held out, not how well the entry can be made; and one number for all samples leaves such
    entries equal to each other, whichever sample they are from.

    Raises:
        JobError: more than half of the entries of a sample have no sound restart.
    """
    scores = {sample: result.scores(reduction).numpy().astype(np.float32) for sample, result in found.items()}
    for sample, values in scores.items():
        lost = np.isnan(values).mean() if len(values) else 0.0
        if lost > _MOST:
            raise JobError(
                f"latent search: no restart of {lost:.0%} of the entries of {sample} kept a finite loss, so that their "
                "scores would mean nothing; try smaller inference.gamma_z and inference.gamma_theta, or "
                "inference.optimizer=adam"
            )
    highest = max((np.nanmax(values) for values in scores.values() if len(values)), default=np.float32(0))
    return {sample: np.where(np.isnan(values), highest, values) for sample, values in scores.items()}


def failures(sample: str, found: SearchResult, entries: Entries) -> str | None:
    """Return a sentence that names the restarts that failed, None where there are none."""
    failed = found.failed.numpy()
    if not failed.any():
        return None
    share, of_entries = failed.mean(), failed.any(axis=1)
    names = [
        f"{row}" if entries.slot is None else f"{row} slot {entries.slot[i]}"
        for i, row in zip(np.flatnonzero(of_entries), entries.index[of_entries], strict=True)
    ]
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    text = (
        f"{int(failed.sum())} restarts of {len(names)} entries of {sample} came to a loss that is not finite and are "
        f"left out (row {listed}); {int(failed.all(axis=1).sum())} entries have no other and get the largest score."
    )
    if share > _FEW:
        text = f"Scores of {sample} are to be doubted: {share:.0%} of all restarts failed. {text}"
    return text


def standstill(found: Mapping[str, SearchResult]) -> str | None:
    """Return a sentence where the weights of most sound restarts did not move at all, None otherwise."""
    still = np.concatenate([(result.moved[~result.failed] == 0).numpy() for result in found.values()])
    if not len(still) or still.mean() <= _MOST:
        return None
    return (
        f"the weights of {still.mean():.0%} of all restarts did not move at all: gamma_theta is below what their "
        "numbers resolve; gamma_theta=0 gives the same scores much faster"
    )


def mean_moved(found: SearchResult) -> float:
    """Return the mean ‖Δθ‖ of the restarts whose loss stayed finite; NaN without any."""
    moved = found.moved[~found.failed].double()
    return float(moved.mean()) if len(moved) else math.nan
