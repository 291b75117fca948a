"""All numbers of an evaluation, under the names they have in metrics.json, in W&B and in the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scipy import stats

from hepad.metrics import correlation
from hepad.metrics.delong import auc_difference, auc_interval
from hepad.metrics.roc import RocCurve, auc, roc_curve
from hepad.metrics.samples import ScoredSample
from hepad.metrics.working_points import MIN_ENTRIES, max_sic, tpr_at_fpr

SIGNIFICANT = 0.01
"""Below this p-value a baseline is said to beat the model, rather than to be level with it, and an AUC to be below 0.5.

A default report makes a dozen of each comparison; at 0.05 every second one would have a note by chance.
"""

NOTABLE = 0.001
"""A baseline ahead by less than this is level with the model, however many entries there are."""


@dataclass(eq=False)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        background: the sample trained on.
        metrics: flat name → number; a number that is undefined has no entry.
        rocs: (signal, reference) → ROC curve of the score.
        baseline_rocs: (baseline, signal, reference) → ROC curve of a trivial score.
        pearson: sample → feature → correlation of the score with the feature.
        spearman: the same, of the ranks.
        distance: feature → distance correlation, on the background.
        warnings: what a reader of the numbers should know, one sentence each.
    """

    background: str
    metrics: dict[str, float] = field(default_factory=dict)
    rocs: dict[tuple[str, str], RocCurve] = field(default_factory=dict)
    baseline_rocs: dict[tuple[str, str, str], RocCurve] = field(default_factory=dict)
    pearson: dict[str, dict[str, float]] = field(default_factory=dict)
    spearman: dict[str, dict[str, float]] = field(default_factory=dict)
    distance: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def evaluate(
    samples: Mapping[str, ScoredSample],
    background: str,
    references: Sequence[str],
    fprs: Sequence[float] = (1e-2, 1e-3, 1e-4),
    reconstructs: bool = False,
) -> Evaluation:
    """Compare every signal with every reference, and the score with every feature.

    For each reference, every other sample is a signal, except the training background. Correlations are named in
    `metrics` for the background alone, and kept for every sample in `pearson` and `spearman`.

    Args:
        samples: name → scored sample.
        background: the sample trained on.
        references: samples taken as the background side of a ROC.
        fprs: false-positive rates at which to give the true-positive rate.
        reconstructs: the score is how badly an entry is reconstructed; where signals score lower than the background,
            that is the reason to suspect.

    Returns:
        The same numbers for the same input, always.

    Raises:
        ValueError: the background or a reference is not among the samples.
    """
    for name in (background, *references):
        if name not in samples:
            raise ValueError(f"no sample {name!r} to evaluate; there are {', '.join(samples)}")
    result = Evaluation(background)
    for reference in dict.fromkeys(references):
        signals = [sample for name, sample in samples.items() if name not in (reference, background)]
        beaten = {signal.name: _compare(result, signal, samples[reference], fprs) for signal in signals}
        _warn_about_baselines(result, beaten, reference)
        _warn_about_rates(result, samples[reference], fprs)
        if reference == background:
            # No score promises anything against a sample that it was not trained on.
            _warn_about_ordinary_signals(result, signals, reconstructs)
    if not result.rocs:
        _warn_about_no_signal(result, samples, references)
    _correlate(result, samples)
    return result


def fpr_name(fpr: float) -> str:
    """A false-positive rate as metric names spell it: 0.01 → `1e-2`."""
    mantissa, exponent = f"{fpr:e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _compare(
    result: Evaluation, signal: ScoredSample, reference: ScoredSample, fprs: Sequence[float]
) -> tuple[str, float] | None:
    """Add all numbers of one pair; return the best baseline that beats the model, with its AUC, if one does."""
    pair = f"{signal.name}_vs_{reference.name}"
    weights = reference.weight, signal.weight
    roc = roc_curve(reference.score, signal.score, *weights)
    area = auc(reference.score, signal.score, *weights)
    result.rocs[signal.name, reference.name] = roc
    result.metrics[f"test/auc/{pair}"] = area
    if min(signal.effective, reference.effective) < 2:
        result.warnings.append(f"{signal.name} vs {reference.name}: too few entries for an uncertainty.")
    else:
        low, high = auc_interval(
            reference.score, signal.score, background_weight=reference.weight, signal_weight=signal.weight
        )
        result.metrics |= {f"test/auc/{pair}/low": low, f"test/auc/{pair}/high": high}
    for fpr in fprs:
        tpr = tpr_at_fpr(reference.score, signal.score, fpr, MIN_ENTRIES, *weights)
        if tpr is not None:
            result.metrics[f"test/tpr_at_fpr_{fpr_name(fpr)}/{pair}"] = tpr
    sic = max_sic(roc)
    if sic is not None:
        result.metrics[f"test/sic_max/{pair}"] = sic
    return _compare_baselines(result, signal, reference, area)


def _warn_about_baselines(result: Evaluation, beaten: Mapping[str, tuple[str, float] | None], reference: str) -> None:
    """Say in one sentence per baseline which signals it separates better than the model does."""
    told: dict[str, list[str]] = {}
    for signal, found in beaten.items():
        if found is not None:
            model = result.metrics[f"test/auc/{signal}_vs_{reference}"]
            told.setdefault(found[0], []).append(f"{signal} (AUC {found[1]:.3f}, model {model:.3f})")
    result.warnings += [
        f"Against {reference}, {baseline} alone separates better than the model: {', '.join(signals)}."
        for baseline, signals in told.items()
    ]


def _warn_about_no_signal(result: Evaluation, samples: Mapping[str, ScoredSample], references: Sequence[str]) -> None:
    if len(samples) == 1:
        why = f"{result.background}, the background, is the only sample"
    else:
        why = f"no sample is left beside the background and the references ({', '.join(references) or 'none'})"
    result.warnings.append(f"No signal to compare with: {why}. There is no ROC and no AUC.")


def _warn_about_rates(result: Evaluation, reference: ScoredSample, fprs: Sequence[float]) -> None:
    scores, weight = reference.score, reference.weight
    unknown = [fpr_name(fpr) for fpr in fprs if tpr_at_fpr(scores, scores, fpr, MIN_ENTRIES, weight, weight) is None]
    if unknown and any(r == reference.name for _, r in result.rocs):
        result.warnings.append(
            f"{reference.name} has {_counted(reference)}, fewer than {MIN_ENTRIES} of them beyond the cut for a "
            f"false-positive rate of {', '.join(unknown)}: no efficiency is given there."
        )


def _warn_about_ordinary_signals(result: Evaluation, signals: Sequence[ScoredSample], reconstructs: bool) -> None:
    reference = result.background
    below = [
        f"{signal.name} ({result.metrics[f'test/auc/{signal.name}_vs_{reference}']:.3f})"
        for signal in signals
        if _is_below_half(result.metrics, f"test/auc/{signal.name}_vs_{reference}")
    ]
    if below:
        reason = (
            "the signal may be simpler than the background, and so easier to reconstruct"
            if reconstructs
            else "to the model the signal looks more like the background than the background itself"
        )
        result.warnings.append(f"AUC below 0.5 against {reference}: {', '.join(below)}; {reason}.")


def _is_below_half(metrics: Mapping[str, float], name: str) -> bool:
    """Whether an AUC is below 0.5 by more than its uncertainty: of signals like the background half are below."""
    if f"{name}/high" not in metrics:
        return False
    sigma = metrics[f"{name}/high"] - metrics[name]
    return 0.5 - metrics[name] > float(stats.norm.isf(SIGNIFICANT / 2)) * sigma


def _compare_baselines(
    result: Evaluation, signal: ScoredSample, reference: ScoredSample, model_auc: float
) -> tuple[str, float] | None:
    better: dict[str, float] = {}
    weights = reference.weight, signal.weight
    for name in signal.baselines:
        if name not in reference.baselines:
            continue
        b, s = reference.baselines[name], signal.baselines[name]
        try:
            roc, area = roc_curve(b, s, *weights), auc(b, s, *weights)
        except ValueError as error:
            _warn_once(result, f"baseline {name} of {signal.name} or {reference.name} left out: {error}.")
            continue
        result.baseline_rocs[name, signal.name, reference.name] = roc
        result.metrics[f"test/baseline_auc/{name}/{signal.name}_vs_{reference.name}"] = area
        # A baseline worse than random is no argument, even if the model is worse still.
        if area < max(model_auc + NOTABLE, 0.5) or min(signal.effective, reference.effective) < 2:
            continue
        if auc_difference(reference.score, signal.score, b, s, *weights).p_value < SIGNIFICANT:
            better[name] = area
    return max(better.items(), key=lambda item: item[1]) if better else None


def _correlate(result: Evaluation, samples: Mapping[str, ScoredSample]) -> None:
    undefined: dict[str, list[str]] = {}
    for sample in samples.values():
        linear, ranked = _correlations(sample)
        result.pearson[sample.name], result.spearman[sample.name] = linear, ranked
        for feature in sample.features:
            if feature not in linear:
                undefined.setdefault(feature, []).append(sample.name)
    for feature, value in result.pearson[result.background].items():
        result.metrics[f"test/pearson/{feature}"] = value
        result.metrics[f"test/spearman/{feature}"] = result.spearman[result.background][feature]
        background = samples[result.background]
        distance = correlation.distance_correlation(
            background.score, background.features[feature], weight=background.weight
        )
        if distance is not None:
            result.distance[feature] = distance
    for feature, names in undefined.items():
        result.warnings.append(
            f"no correlation with {feature}, which is constant or not finite, in {', '.join(names)}."
        )


def _correlations(sample: ScoredSample) -> tuple[dict[str, float], dict[str, float]]:
    """Pearson's and Spearman's correlation of the score with each feature for which both are defined."""
    linear: dict[str, float] = {}
    ranked: dict[str, float] = {}
    weight = sample.weight
    score_ranks = correlation.ranks(sample.score, weight)
    for feature, values in sample.features.items():
        of_values = correlation.pearson(sample.score, values, weight)
        # Spearman's correlation, with the score ranked once for all features.
        of_ranks = correlation.pearson(score_ranks, correlation.ranks(values, weight), weight)
        if of_values is not None and of_ranks is not None:
            linear[feature], ranked[feature] = of_values, of_ranks
    return linear, ranked


def _counted(sample: ScoredSample) -> str:
    """The number of entries in words; of weighted ones also how many they are worth."""
    worth = "" if sample.weight is None else f" of different weights, worth {sample.effective:.0f}"
    return f"{len(sample)} entries{worth}"


def _warn_once(result: Evaluation, warning: str) -> None:
    if warning not in result.warnings:
        result.warnings.append(warning)
