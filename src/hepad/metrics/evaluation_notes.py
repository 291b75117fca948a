"""Notes of an evaluation: what a reader of its numbers should know, one sentence each."""

from collections.abc import Mapping, Sequence

from scipy import special

from hepad.metrics.samples import ScoredSample, trivial_title
from hepad.metrics.verdict import SIGNIFICANT, pair_result
from hepad.metrics.working_points import MIN_ENTRIES, fpr_name, tpr_at_fpr


def beaten_notes(metrics: Mapping[str, float], signals: Sequence[str], reference: str) -> list[str]:
    """Say in one sentence per trivial score which signals it separates better than the model does, beyond chance."""
    told: dict[str, list[str]] = {}
    for signal in signals:
        found = pair_result(metrics, signal, reference)
        if found is not None and found.worse:
            text = f"{signal} (AUC {found.trivial_auc:.3f}, model {found.auc:.3f})"
            told.setdefault(str(found.trivial), []).append(text)
    return [
        f"Against {reference}, {trivial_title(baseline)} alone separates better than the model: {', '.join(names)}."
        for baseline, names in told.items()
    ]


def ordinary_signal_note(
    metrics: Mapping[str, float], signals: Sequence[str], reference: str, background: str, reconstructs: bool
) -> list[str]:
    """Say which AUCs against a reference are below 0.5, and the reason to suspect.

    Args:
        metrics: of the evaluation.
        signals: compared with the reference.
        reference: the sample on the background side.
        background: the sample trained on.
        reconstructs: the score is how badly an entry is reconstructed.
    """
    below = [
        f"{signal} ({metrics[f'test/auc/{signal}_vs_{reference}']:.3f})"
        for signal in signals
        if is_below_half(metrics, f"test/auc/{signal}_vs_{reference}")
    ]
    if not below:
        return []
    if reference != background:
        reason = (
            f"to the model, which was trained on {background}, they look more ordinary than {reference}; no score "
            f"promises anything against a sample that it was not trained on"
        )
    elif reconstructs:
        reason = "the signal may be simpler than the background, and so easier to reconstruct"
    else:
        reason = "to the model the signal looks more like the background than the background itself"
    return [f"AUC below 0.5 against {reference}: {', '.join(below)}; {reason}."]


def is_below_half(metrics: Mapping[str, float], name: str) -> bool:
    """Test whether an AUC is below 0.5 beyond chance (two-sided); half of those of 0.5 are below by chance."""
    if f"{name}/high" not in metrics:
        return False
    sigma = metrics[f"{name}/high"] - metrics[name]
    return 0.5 - metrics[name] > float(-special.ndtri(SIGNIFICANT / 2)) * sigma


def no_signal_note(background: str, samples: Sequence[str], references: Sequence[str]) -> list[str]:
    """Say why there is nothing to compare."""
    if len(samples) == 1:
        why = f"{background}, the background, is the only sample"
    else:
        why = f"no sample is left beside the background and the references ({', '.join(references) or 'none'})"
    return [f"No signal to compare with: {why}. There is no ROC and no AUC."]


def rate_note(reference: ScoredSample, fprs: Sequence[float]) -> list[str]:
    """Say at which false-positive rates a reference has too few entries."""
    scores, weight = reference.score, reference.weight
    unknown = [fpr_name(fpr) for fpr in fprs if tpr_at_fpr(scores, scores, fpr, MIN_ENTRIES, weight, weight) is None]
    if not unknown:
        return []
    worth = "" if weight is None else f" of different weights, worth {reference.effective:.0f}"
    return [
        f"{reference.name} has {len(reference)} entries{worth}, fewer than {MIN_ENTRIES} of them beyond the cut for a "
        f"false-positive rate of {', '.join(unknown)}: no efficiency is given there."
    ]


def constant_feature_notes(undefined: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which features have no correlation with the score, feature → samples."""
    return [
        f"no correlation with {feature}, which is constant or not finite, in {', '.join(names)}."
        for feature, names in undefined.items()
    ]
