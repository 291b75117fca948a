"""Content of a page on which a threshold moves over scores and ROC curves: all lies in the ROC curves of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.metrics import Evaluation, RocCurve, trivial_title
from hepad.plots import SampleStyle, sample_styles
from hepad.plots.labels import score_edges
from hepad.plots.roc import thinned
from hepad.report import RocLines, SampleLine, ThresholdView

FloatArray = NDArray[np.float64]

_BINS: Final = 50
_POOLED: Final = 2000
_QUANTILES: Final = 30
_TAIL: Final = 60
_POINTS: Final = 220
_START: Final = 1e-2
_DASHES: Final = {"-": "", "--": "9 5", "-.": "10 4 2 4", ":": "2 4"}


@dataclass(frozen=True, eq=False)
class Survival:
    """Share of a sample at or above each score, as the ROC curves of an evaluation know it.

    Attributes:
        scores: (P,) distinct scores, falling.
        share: (P,) share of the entries, or of their weight, with such a score or more.
        entries: how many there are; of weighted ones, how many they are worth.
        effective: (P,) how many the selected ones are worth, where the curve knows it.
    """

    scores: FloatArray
    share: FloatArray
    entries: float
    effective: FloatArray | None = None

    def at(self, thresholds: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the share with a score of each threshold or more, and how many entries that is; both `(T,)`."""
        # The smallest score that is not below the threshold.
        place = np.searchsorted(-self.scores, -thresholds, side="right") - 1
        share = np.where(place < 0, 0.0, self.share[place.clip(min=0)])
        known = self.share * self.entries if self.effective is None else self.effective
        return share, np.where(place < 0, 0.0, known[place.clip(min=0)])

    def quantiles(self, shares: FloatArray) -> FloatArray:
        """Return the scores that at least so large a share of the sample reaches."""
        found: FloatArray = self.scores[np.searchsorted(self.share, shares, side="left").clip(max=self.scores.size - 1)]
        return found


def threshold_view(evaluation: Evaluation, styles: Mapping[str, SampleStyle] | None = None) -> ThresholdView | None:
    """Return scores and ROC curves for a movable threshold, thinned to a few hundred numbers each; None without any.

    Args:
        evaluation: the numbers of a run.
        styles: look of each sample; the usual one by default.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.results.threshold_view import threshold_view
    >>> rng = np.random.default_rng(0)
    >>> samples = {name: ScoredSample(name, rng.normal(mean, 1, 900)) for name, mean in (("qcd", 0), ("top", 1))}
    >>> view = threshold_view(evaluate(samples, "qcd", references=["qcd"]))
    >>> [sample.name for sample in view.samples], round(float(view.samples[0].accepted[view.start]), 3)
    (['qcd', 'top'], 0.01)
    """
    survivals = sample_survivals(evaluation)
    if not survivals:
        return None
    looks = styles or sample_styles(survivals, background=evaluation.background)
    bins, log, zeros = _bins(survivals)
    first = survivals[evaluation.references[0]]
    thresholds = _thresholds(survivals, evaluation.references)
    start = int(np.abs(first.at(thresholds)[0] - _START).argmin())
    samples = [
        _line(name, survival, looks[name], bins, zeros, thresholds, name == evaluation.background)
        for name, survival in survivals.items()
    ]
    weighted = any(roc.effective is not None for roc in evaluation.rocs.values())
    rocs = [_roc_lines(evaluation, reference) for reference in evaluation.references]
    return ThresholdView(bins, log, zeros, thresholds, start, samples, rocs, weighted)


def sample_survivals(evaluation: Evaluation) -> dict[str, Survival]:
    """Return sample → its survival function; references first, in order."""
    found: dict[str, Survival] = {}
    for of_reference in (True, False):
        for (signal, reference), roc in evaluation.rocs.items():
            name = reference if of_reference else signal
            if name not in found:
                found[name] = _survival(roc, of_reference)
    return found


def _survival(roc: RocCurve, of_reference: bool) -> Survival:
    # The first point, at infinity, selects nothing.
    scores, share = roc.thresholds[1:], (roc.fpr if of_reference else roc.tpr)[1:]
    effective = roc.effective[1:] if of_reference and roc.effective is not None else None
    return Survival(scores, share, roc.n_background if of_reference else roc.n_signal, effective)


def _bins(survivals: Mapping[str, Survival]) -> tuple[FloatArray, bool, bool]:
    """Edges as in the figure of the scores, whether they are logarithmic, and whether zeros stand apart."""
    grid = (np.arange(_POOLED) + 0.5) / _POOLED
    pooled = np.concatenate([survival.quantiles(grid) for survival in survivals.values()])
    return score_edges(pooled, _BINS, min(float(survival.scores[-1]) for survival in survivals.values()))


def _thresholds(survivals: Mapping[str, Survival], references: list[str]) -> FloatArray:
    """Rising thresholds at which something changes: quantiles of every sample, more of them in tails of references."""
    middle = np.linspace(0, 1, _QUANTILES + 2)[1:-1]
    found = [survival.quantiles(middle) for survival in survivals.values()]
    for reference in references:
        survival = survivals[reference]
        found.append(survival.quantiles(np.geomspace(1 / survival.entries, 1, _TAIL)))
    lowest = min(float(survival.scores[-1]) for survival in survivals.values())
    return np.unique(np.concatenate([*found, [lowest]]))


def _line(
    name: str,
    survival: Survival,
    look: SampleStyle,
    bins: FloatArray,
    zeros: bool,
    thresholds: FloatArray,
    background: bool,
) -> SampleLine:
    # Nothing falls out of sight: the end bins are open.
    above, _ = survival.at(bins)
    above[-1] = 0.0
    above[0] = survival.at(np.array([np.nextafter(0.0, 1.0)]))[0][0] if zeros else 1.0
    shares = above[:-1] - above[1:]
    accepted, selected = survival.at(thresholds)
    return SampleLine(
        name,
        look.color,
        _DASHES[look.linestyle],
        survival.entries,
        np.concatenate([[1 - above[0]], shares]) if zeros else shares,
        accepted,
        selected,
        background,
    )


def _roc_lines(evaluation: Evaluation, reference: str) -> RocLines:
    rocs = {signal: roc for (signal, of), roc in evaluation.rocs.items() if of == reference}
    trivial = [
        (signal, trivial_title(name), *thin_curve(roc))
        for (name, signal, of), roc in evaluation.baseline_rocs.items()
        if of == reference
    ]
    curves = [(signal, *thin_curve(roc)) for signal, roc in rocs.items()]
    return RocLines(reference, next(iter(rocs.values())).n_background, curves, trivial)


def thin_curve(roc: RocCurve) -> tuple[FloatArray, FloatArray]:
    """Return a curve at no more points than are drawn, so that it is exact on either axis, the ends among them."""
    (fpr, tpr), (tail, above) = thinned(roc, False, _POINTS), thinned(roc, True, _POINTS)
    order = np.argsort(along := np.concatenate([fpr, tail]), kind="stable")
    heights = np.concatenate([tpr, above])
    return along[order], np.maximum.accumulate(heights[order])
