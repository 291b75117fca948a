"""Comparison of a score at equal loudness: signal and reference matched in the Σ pT of their entries."""

from collections.abc import Mapping, Sequence

from hepad.metrics.delong import auc_difference, auc_interval
from hepad.metrics.matching import MAX_RESIDUAL, MIN_EFFECTIVE, Matching, match
from hepad.metrics.roc import auc
from hepad.metrics.samples import LOUDNESS, ScoredSample
from hepad.metrics.verdict import difference_metrics, pair_result


def compare_at_equal_loudness(
    metrics: dict[str, float], samples: Mapping[str, ScoredSample], signals: Sequence[str], reference: str
) -> list[str]:
    """Add the numbers of every pair whose Σ pT overlaps, `test/matched_…`; say of which it does not.

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
            notes.append(_why(name, reference, found))
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


def _why(signal: str, reference: str, found: Matching) -> str:
    entries = min(found.effective)
    if entries < MIN_EFFECTIVE:
        why = f"{entries:.0f} effective entries are left, fewer than {MIN_EFFECTIVE}"
    else:
        why = f"Σ pT itself still has an AUC of {found.residual:.2f}, more than {MAX_RESIDUAL:g} from 0.5"
    return f"{signal} and {reference} have hardly a Σ pT in common (overlap {100 * found.overlap:.2g}%): {why}."
