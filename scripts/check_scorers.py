"""Promises of a scorer, run by run: p-values, thresholds, contributions and a shift that was planted.

`python -m scripts.check_scorers DIR…` prints a row for each run, on background that did not train:

- p (KS): of conformal p-values of the test part, calibrated on the validation part, against a uniform distribution;
- threshold: at the share `--fpr`, what of the test part lies beyond it, its 68% interval, and the p-value that both
  parts agree;
- remainder: the largest part of a score that the contributions miss, and how they are made;
- planted: how often a number that was moved up by `--shift` standard deviations contributes the most, in up to 500 of
  1,000 entries with such a number whose scores it raised by more than their spread (interquartile range / 1.349, for
  one score of a million is no spread); how many it raised; and how often among 100 of any. A score may not mind: that
  of trees stays where it is beyond the last cut.
  Standard deviations are those of what the model looks at, of a `nae` blurred images: of a pixel that is moved by 20 of
  raw ones it sees two.
"""

import argparse
import math
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
from hepad.models.reconstruction import ReconstructionModel
from hepad.run.held_out import own_data, own_held_out
from hepad.run.operating import operating_point

_EXPLAINED: Final = 100
_FOUND_IN: Final = 500
_PLANTED: Final = 1000
_IQR_OF_UNIT_NORMAL: Final = 1.349


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
    raised, n, every = planted(run.model, entries, shift)
    yield f"{100 * raised:.0f}% of {min(n, _FOUND_IN)}, {n} raised, {100 * every:.0f}% of any"


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


def planted(model: AnomalyModel, entries: Batch, shift: float) -> tuple[float, int, float]:
    """Plant shifts of one number, of events one of the first jet, and look whether the explanations find them.

    Returns:
        Share of entries whose shifted number contributes the most, of those whose score it raised by more than the
        spread of scores; how many of 1,000 these are; and the share among all.
    """
    generator = torch.Generator().manual_seed(0)
    real = entries if entries.mask is None else take_rows(entries, entries.mask[:, 0])
    spread = _spread(model, real)
    before = take_rows(real, torch.arange(_PLANTED) % len(real.x))
    # What never varies, such as a cell that is never hit, says nothing of where it is.
    able = torch.nonzero(spread > 0).flatten() if before.mask is None else torch.arange(before.x.shape[2])
    able = able[spread[able] > 0]
    place = able[torch.randint(len(able), (_PLANTED,), generator=generator)]
    flat = before.x.flatten(1).clone()
    flat[torch.arange(_PLANTED), place] += shift * spread[place]
    after = before._replace(x=flat.reshape(before.x.shape))
    with torch.no_grad():
        rise = model.anomaly_score(after) - model.anomaly_score(before)
        low, high = np.quantile(model.anomaly_score(real).double().cpu().numpy(), [0.25, 0.75])
        raised = torch.nonzero(rise.double() > (high - low) / _IQR_OF_UNIT_NORMAL).flatten()

    def found(chosen: Tensor) -> float:
        values = explain_scores(model, take_rows(after, chosen)).values
        return float((values.flatten(1).argmax(dim=1) == place[chosen]).float().mean()) if len(chosen) else math.nan

    return found(raised[:_FOUND_IN]), len(raised), found(torch.arange(_EXPLAINED))


def _spread(model: AnomalyModel, entries: Batch) -> Tensor:
    """Return the standard deviation of each number among real entries, flat.

    Of images and volumes that of all their numbers, for that of a cell which is rarely hit is no size of a hit; where
    they are blurred, what a number must move by to be moved by it in the blurred one. Of events that of the first jet.
    """
    flat = entries.x.flatten(1).double()
    each = flat.std(dim=0).float()
    if entries.x.ndim <= 3:
        return each
    whole = flat.std().float()
    if isinstance(model, ReconstructionModel):
        middle = torch.zeros_like(entries.x[:1])
        middle[(..., *(size // 2 for size in middle.shape[2:]))] = 1.0
        whole = model.view(entries).x.double().std().float() / model.view(Batch(middle)).x.max()
    return torch.where(each > 0, whole, each)


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
