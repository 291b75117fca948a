"""Comparison at equal loudness: signal and reference weighted to the same distribution of Σ pT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from hepad.metrics.delong import auc_difference, auc_interval
from hepad.metrics.roc import auc
from hepad.metrics.samples import (
    LOUDNESS,
    FloatArray,
    ScoredSample,
    as_scores,
    effective_entries,
    loudness_title,
)
from hepad.metrics.verdict import difference_metrics, pair_result

MIN_EFFECTIVE: Final = 100
"""Effective entries that either side must keep; with 100 the AUC is known to about 0.04."""

MAX_RESIDUAL: Final = 0.05
"""Largest distance from 0.5 of the AUC of the matched observable itself."""

_BINS: Final = 50
_FIRST_BINS: Final = 200
_PER_BIN: Final = 10


@dataclass(frozen=True, eq=False)
class Matching:
    """Weights that give two samples the same distribution of one observable.

    Attributes:
        reference: `(N,)` weight of each reference entry, between 0 and its own weight.
        signal: `(M,)` weight of each signal entry.
        overlap: what the two distributions have in common, Σ min(rᵢ, sᵢ) over bins: from 0 for disjoint ones to 1.
        residual: AUC of the observable itself under the weights, 0.5 where they do what they should; None where either
            side has no weight left.
    """

    reference: FloatArray
    signal: FloatArray
    overlap: float
    residual: float | None = None

    @property
    def effective(self) -> tuple[float, float]:
        """Effective entries of reference and signal, (Σw)² / Σw²."""
        return effective_entries(self.reference), effective_entries(self.signal)

    @property
    def usable(self) -> bool:
        """True where both sides keep `MIN_EFFECTIVE` effective entries, and the observable tells them apart no more."""
        return (
            min(self.effective) >= MIN_EFFECTIVE
            and self.residual is not None
            and abs(self.residual - 0.5) <= MAX_RESIDUAL
        )


def match(
    reference: ArrayLike,
    signal: ArrayLike,
    reference_weight: ArrayLike | None = None,
    signal_weight: ArrayLike | None = None,
) -> Matching:
    """Weight two samples to a common distribution of an observable, such as Σ pT.

    Overlap weights (Li, Morgan and Zaslavsky, JASA 113 (2018) 390) in bins of the observable: with the share rᵢ of the
    reference and sᵢ of the signal in bin i, a reference entry there has weight sᵢ/(rᵢ + sᵢ) and a signal entry
    rᵢ/(rᵢ + sᵢ). Both sides then have the distribution rᵢ·sᵢ/(rᵢ + sᵢ). No weight exceeds 1, so nothing is
    extrapolated: where only one of the two has entries, they have no weight, and a few entries never stand for many.
    Weights of one side alone would need the other to reach everywhere.

    Bins are quantiles of the union, each sample counting as a whole: first fine ones, and then of what those leave,
    so that bins are narrow where the two samples meet. Each of at most 50 bins holds about 10 effective entries.

    Args:
        reference: `(N,)` values of the reference.
        signal: `(M,)` values of the signal.
        reference_weight: `(N,)` weights of the entries themselves; None for ones.
        signal_weight: `(M,)`.

    Raises:
        ValueError: empty, NaN or infinite values.
    """
    r, s = as_scores(reference, "reference"), as_scores(signal, "signal")
    own_r, own_s = (
        np.ones(values.size) if weight is None else np.asarray(weight, dtype=np.float64)
        for values, weight in ((r, reference_weight), (s, signal_weight))
    )
    first = _overlap_weights(r, s, own_r, own_s, _edges(r, s, own_r, own_s, _FIRST_BINS))
    if min(first.effective) < MIN_EFFECTIVE:
        return first
    n_bins = min(int(min(first.effective) / _PER_BIN), _BINS)
    found = _overlap_weights(r, s, own_r, own_s, _edges(r, s, first.reference, first.signal, n_bins))
    return replace(found, residual=auc(r, s, found.reference, found.signal))


def _edges(r: FloatArray, s: FloatArray, weight_r: FloatArray, weight_s: FloatArray, n_bins: int) -> FloatArray:
    """Inner edges of bins that hold equal shares of the union, rising; a value that is an edge is in the upper bin."""
    values = np.concatenate([r, s])
    weight = np.concatenate([weight_r / weight_r.sum(), weight_s / weight_s.sum()])
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    levels = np.arange(1, n_bins) / n_bins * cumulative[-1]
    return np.unique(values[order][np.searchsorted(cumulative, levels)])


def _overlap_weights(r: FloatArray, s: FloatArray, own_r: FloatArray, own_s: FloatArray, edges: FloatArray) -> Matching:
    bin_r, bin_s = (np.searchsorted(edges, values, "right") for values in (r, s))
    share_r, share_s = (
        np.bincount(bins, own, edges.size + 1) / own.sum() for bins, own in ((bin_r, own_r), (bin_s, own_s))
    )
    both = np.where(share_r + share_s > 0, share_r + share_s, 1.0)
    overlap = float(np.minimum(share_r, share_s).sum())
    return Matching(own_r * (share_s / both)[bin_r], own_s * (share_r / both)[bin_s], overlap)


def compare_at_equal_loudness(
    metrics: dict[str, float], samples: Mapping[str, ScoredSample], signals: Sequence[str], reference: str
) -> list[str]:
    """Add the numbers of every pair whose loudness overlaps, `test/matched_…`; say of which it does not.

    Args:
        metrics: flat name → number, to add to.
        samples: name → scored sample, with the trivial score `sum_pt`.
        signals: to compare with the reference.
        reference: the sample on the background side.
    """
    notes = []
    background = samples[reference]
    for name in signals:
        signal = samples[name]
        if LOUDNESS not in signal.baselines or LOUDNESS not in background.baselines:
            continue
        found = match(background.baselines[LOUDNESS], signal.baselines[LOUDNESS], background.weight, signal.weight)
        pair = f"{name}_vs_{reference}"
        metrics[f"test/matched_overlap/{pair}"] = found.overlap
        metrics[f"test/matched_entries/{pair}"] = min(found.effective)
        if found.usable:
            _compare(metrics, signal, background, found)
        else:
            notes.append(_why(name, reference, found, loudness_title(background)))
    return notes


def _compare(metrics: dict[str, float], signal: ScoredSample, reference: ScoredSample, found: Matching) -> None:
    pair = f"{signal.name}_vs_{reference.name}"
    weights = found.reference, found.signal
    metrics[f"test/matched_auc/{pair}"] = auc(reference.score, signal.score, *weights)
    low, high = auc_interval(
        reference.score, signal.score, background_weight=found.reference, signal_weight=found.signal
    )
    metrics |= {f"test/matched_auc/{pair}/low": low, f"test/matched_auc/{pair}/high": high}
    for name, values in signal.baselines.items():
        if name in reference.baselines:
            area = auc(reference.baselines[name], values, *weights)
            metrics[f"test/matched_baseline_auc/{name}/{pair}"] = area
    result = pair_result(metrics, signal.name, reference.name, matched=True)
    if result is not None and result.trivial is not None:
        b, s = reference.baselines[result.trivial], signal.baselines[result.trivial]
        difference = auc_difference(reference.score, signal.score, b, s, *weights)
        metrics |= difference_metrics(f"test/matched_over_trivial/{pair}", difference)


def _why(signal: str, reference: str, found: Matching, loudness: str) -> str:
    entries = min(found.effective)
    if entries < MIN_EFFECTIVE:
        why = f"{entries:.0f} effective entries are left, fewer than {MIN_EFFECTIVE}"
    else:
        why = f"{loudness} itself still has an AUC of {found.residual:.2f}, more than {MAX_RESIDUAL:g} from 0.5"
    return f"{signal} and {reference} have hardly any {loudness} in common (overlap {100 * found.overlap:.2g}%): {why}."
