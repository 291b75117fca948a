"""Comparison of an exported file with the model it was made of, entry by entry."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, take_rows
from hepad.exporting.rounding import in_parts_of_rounding
from hepad.exporting.runtimes import Scoring
from hepad.exporting.scorer import Scorer
from hepad.models import AnomalyModel
from hepad.scores.forward import Forward

TOLERANCE: Final = 1e-5
"""Relative difference of a score that needs no explanation."""


@dataclass(frozen=True)
class Parity:
    """Agreement of scores.

    Attributes:
        entries: how many were compared.
        max_absolute: largest difference.
        max_relative: largest difference in parts of the score; of one that may be negative, and so as small as one
            likes, in parts of the median size of all scores where that is larger.
        decisions: how many bits of thresholds differ from those of the model.
        beyond: how many scores differ by more than the tolerance.
        of_rounding: how far from float64 the furthest of these is, in parts of what rounding explains
            (`hepad.exporting.rounding`); up to 1 it is rounding alone.

    >>> import numpy as np
    >>> from hepad.exporting.parity import Parity
    >>> Parity.of(np.array([1.0, 2.0]), np.array([1.0, 2.5])).max_relative
    0.25
    """

    entries: int
    max_absolute: float
    max_relative: float
    decisions: int = 0
    beyond: int = 0
    of_rounding: float = 0.0

    @classmethod
    def of(
        cls, expected: NDArray[np.floating], found: NDArray[np.floating], signed: bool = False, decisions: int = 0
    ) -> "Parity":
        """Return the agreement of scores `(N,)`; what is NaN on one side alone differs infinitely."""
        if not expected.size:
            return cls(0, 0.0, 0.0, decisions)
        difference, relative = _differences(expected, found, signed)
        return cls(expected.size, float(difference.max()), float(relative.max()), decisions)

    @property
    def agrees(self) -> bool:
        """True where no score differs by more than the tolerance and more than rounding, and no bit at all."""
        return self.of_rounding <= 1 and not self.decisions


def _differences(
    expected: NDArray[np.floating], found: NDArray[np.floating], signed: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the absolute and the relative difference of each of N scores."""
    a, b = expected.astype(np.float64), found.astype(np.float64)
    alike = (a == b) | (np.isnan(a) & np.isnan(b))
    difference = np.where(alike, 0.0, np.abs(a - b))
    difference[np.isnan(difference)] = np.inf
    size = np.abs(a)
    if signed and size.size:
        size = np.maximum(size, np.nanmedian(size))
    with np.errstate(divide="ignore"):
        return difference, np.divide(difference, size, out=np.zeros_like(difference), where=difference > 0)


def compare(
    model: AnomalyModel, scorer: Scorer, exported: Scoring, samples: Mapping[str, Batch], tolerance: float = TOLERANCE
) -> tuple[Parity, dict[str, Parity], dict[str, NDArray[np.float32]]]:
    """Return the agreement over all samples, that over each, and what the file says of each `(N,)`.

    Args:
        model: what the exported file must say.
        scorer: made of it.
        exported: the file at work.
        samples: name → entries in raw units.
        tolerance: relative difference of a score up to which no one asks for float64.
    """
    forward = Forward(model, torch.device("cpu"))
    pairs, decisions = {}, {}
    for name, entries in samples.items():
        found = [_scores(scorer, exported, batch) for batch in chunks(entries, forward.rows_at_once)]
        with closing(forward.scores(chunks(entries, forward.rows_at_once), lambda batch: batch)) as computed:  # type: ignore[type-var]
            expected = [scores for _, scores in computed]
        pairs[name] = np.concatenate(expected), np.concatenate([scores for scores, _ in found])
        decisions[name] = sum(wrong for _, wrong in found)
    signed = any((expected < 0).any() for expected, _ in pairs.values())
    each = {name: Parity.of(*pair, signed, decisions[name]) for name, pair in pairs.items()}
    whole = [np.concatenate(part) for part in zip(*pairs.values(), strict=True)]
    _, relative = _differences(whole[0], whole[1], signed)
    parts = np.split(relative, np.cumsum([len(expected) for expected, _ in pairs.values()])[:-1])
    for (name, (_, of_file)), differs in zip(pairs.items(), parts, strict=True):
        beyond = np.flatnonzero(differs > tolerance)
        if len(beyond):
            # The worst first.
            rows = beyond[np.argsort(-differs[beyond], kind="stable")]
            of_rounding = in_parts_of_rounding(model, take_rows(samples[name], torch.from_numpy(rows)), of_file[rows])
            each[name] = replace(each[name], beyond=len(rows), of_rounding=of_rounding)
    together = replace(
        Parity.of(whole[0], whole[1], signed, sum(decisions.values())),
        beyond=sum(parity.beyond for parity in each.values()),
        of_rounding=max((parity.of_rounding for parity in each.values()), default=0.0),
    )
    return together, each, {name: found for name, (_, found) in pairs.items()}


def chunks(entries: Batch, size: int) -> Iterator[Batch]:
    """Yield entries, the first alone, so that a file is tried with one entry, with many and with the rest."""
    starts = [0, *range(1, len(entries.x), size)]
    for start, stop in zip(starts, [*starts[1:], len(entries.x)], strict=True):
        yield take_rows(entries, slice(start, stop))


def _scores(scorer: Scorer, exported: Scoring, batch: Batch) -> tuple[NDArray[np.float32], int]:
    """Return the scores of a file, and how many of its bits are not what its scores say."""
    outputs = exported([array.numpy() for array in scorer.arrays(batch)])
    score = outputs["score"]
    wrong = sum(
        int((outputs[f"accepted_{name}"] != (score.astype(np.float64) > cut)).sum())
        for name, cut in scorer.thresholds.items()
    )
    return score, wrong
