"""Promises of a scorer, run by run: p-values, thresholds, contributions and a shift that was planted.

`python -m scripts.check_scorers DIR…` prints a row for each run, on background that did not train:

- p (KS): of conformal p-values of the test part, calibrated on the validation part, against a uniform distribution;
- threshold: at the share `--fpr`, what of the test part lies beyond it, its 68% interval, and the p-value that both
  parts agree;
- remainder: the largest part of a score that the contributions miss, and how they are made;
- planted: in how many of 100 entries a number that was moved by `--shift` standard deviations contributes the most.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from hepad import load_run
from hepad.core.batch import Batch, take_rows
from hepad.metrics import ScoreCalibration
from hepad.models import AnomalyModel, explain_scores
from hepad.run.held_out import own_data, own_held_out
from hepad.run.operating import operating_point

_EXPLAINED: Final = 100


def rows(directory: Path, fpr: float, shift: float) -> Iterator[str]:
    """Yield the cells of one run."""
    run = load_run(directory)
    held_out = own_held_out(run.settings, run.model, run.trained_in, "cpu")
    chosen, tested = held_out.chosen, held_out.tested
    p = ScoreCalibration.of(chosen.score, chosen.weight).p_values(tested.score)
    # Of both parts: which of them calibrates is chance.
    n = len(chosen.score) * len(tested.score) / (len(chosen.score) + len(tested.score))
    yield f"{len(chosen.score):,} + {len(tested.score):,}"
    yield f"{stats.kstwo.sf(distance_to_uniform(p), round(n)):.2f}"
    point = operating_point(held_out, "checked", fpr)
    beyond = point.tested
    yield f"{beyond.value:.3f} ({beyond.low:.3f} – {beyond.high:.3f}), p = {point.agreement:.2f}"
    data = own_data(run.settings, run.trained_in)
    entries = data.test_entries[held_out.background].batch
    batch = take_rows(entries, slice(_EXPLAINED))
    found = explain_scores(run.model, batch)
    span = (found.score.double() - found.start.double()).abs()
    # Events without a jet have nothing to explain.
    size = span.clamp(min=float(span[span > 0].median()))
    yield f"{float((found.remainder.abs() / size).max()):.1g}, {found.method}"
    yield f"{100 * planted(run.model, entries, shift):.0f}%"


def distance_to_uniform(p: NDArray[np.floating]) -> float:
    """Return how far P(p ≤ t) is from t, the largest over all values that p takes.

    Entries of one score, such as events without a jet, share the largest p-value that they may have: p ≤ t is then as
    probable as it says at each of these values, and rarer between them.

    >>> import numpy as np
    >>> from scripts.check_scorers import distance_to_uniform
    >>> distance_to_uniform(np.array([0.25, 0.5, 1.0, 1.0]))
    0.0
    """
    values, counts = np.unique(p, return_counts=True)
    return float(np.abs(np.cumsum(counts) / len(p) - values).max())


def planted(model: AnomalyModel, entries: Batch, shift: float) -> float:
    """Return in which share of entries a number that was moved contributes the most, of events one of the first jet."""
    generator = torch.Generator().manual_seed(0)
    real = entries if entries.mask is None else take_rows(entries, entries.mask[:, 0])
    spread = _spread(real)
    batch = take_rows(real, slice(_EXPLAINED))
    n = len(batch.x)
    # What never varies, such as a cell that is never hit, says nothing of where it is.
    able = torch.nonzero(spread > 0).flatten() if batch.mask is None else torch.arange(batch.x.shape[2])
    able = able[spread[able] > 0]
    place = able[torch.randint(len(able), (n,), generator=generator)]
    flat = batch.x.flatten(1).clone()
    flat[torch.arange(n), place] += shift * spread[place]
    values = explain_scores(model, batch._replace(x=flat.reshape(batch.x.shape))).values
    return float((values.flatten(1).argmax(dim=1) == place).float().mean())


def _spread(entries: Batch) -> Tensor:
    """Return the standard deviation of each number among real entries, flat.

    Of images and volumes that of all their numbers, for that of a cell which is rarely hit is no size of a hit; of
    events that of the first jet.
    """
    flat = entries.x.flatten(1).double()
    each = flat.std(dim=0).float()
    return torch.where(each > 0, flat.std().float(), each) if entries.x.ndim > 3 else each


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--fpr", type=float, default=0.1)
    parser.add_argument("--shift", type=float, default=20.0)
    given = parser.parse_args()
    print("| run | entries | p (KS) | threshold | remainder | planted |\n|---|---|---|---|---|---|", flush=True)
    for directory in given.runs:
        print(f"| {directory.name} | {' | '.join(rows(directory, given.fpr, given.shift))} |", flush=True)


if __name__ == "__main__":
    main()
