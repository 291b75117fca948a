"""All numbers of an evaluation, under the names they have in metrics.json, in W&B and in the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hepad.metrics import correlation
from hepad.metrics.delong import auc_difference, auc_interval
from hepad.metrics.evaluation_notes import (
    beaten_notes,
    constant_feature_notes,
    no_signal_note,
    ordinary_signal_note,
    rate_note,
)
from hepad.metrics.matching import compare_at_equal_loudness
from hepad.metrics.placements import sorted_once
from hepad.metrics.roc import RocCurve, auc, roc_curve
from hepad.metrics.samples import ScoredSample, loudness_title
from hepad.metrics.sculpting import Sculpting, score_sculpting
from hepad.metrics.verdict import difference_metrics, judged_signals, pair_result, verdict_metrics
from hepad.metrics.working_points import MIN_ENTRIES, fpr_name, max_sic, tpr_at_fpr


@dataclass(eq=False)
class Evaluation:
    """Result of `evaluate`.

    Attributes:
        background: the sample trained on.
        metrics: flat name → number; a number that is undefined has no entry.
        rocs: (signal, reference) → ROC curve of the score.
        baseline_rocs: (baseline, signal, reference) → ROC curve of the best trivial score of each pair.
        pearson: sample → feature → correlation of the score with the feature.
        spearman: the same, of the ranks.
        distance: feature → distance correlation, on the background.
        sculpting: observable → what cuts on the score do to its spectrum, on the background.
        warnings: what a reader of the numbers must know, one sentence each.
        small_print: what changes no number that is given, one sentence each.
        loudness: what is equal in the comparison at equal loudness, such as Σ pT or the visible energy of showers.
        unmatched: which pairs have no comparison at equal loudness, and why, one sentence each.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> pt = np.arange(100.0)
    >>> samples = {name: ScoredSample(name, pt + shift, {"pt": pt}) for name, shift in (("qcd", 0), ("top", 50))}
    >>> found = evaluate(samples, "qcd", references=["qcd"])
    >>> found.references, list(found.rocs), round(found.pearson["qcd"]["pt"], 2)
    (['qcd'], [('top', 'qcd')], 1.0)
    """

    background: str
    metrics: dict[str, float] = field(default_factory=dict)
    rocs: dict[tuple[str, str], RocCurve] = field(default_factory=dict)
    baseline_rocs: dict[tuple[str, str, str], RocCurve] = field(default_factory=dict)
    pearson: dict[str, dict[str, float]] = field(default_factory=dict)
    spearman: dict[str, dict[str, float]] = field(default_factory=dict)
    distance: dict[str, float] = field(default_factory=dict)
    sculpting: dict[str, Sculpting] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    small_print: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    loudness: str = "Σ pT"

    @property
    def references(self) -> list[str]:
        """The references that some signal is compared with, in order."""
        return list(dict.fromkeys(reference for _, reference in self.rocs))


def evaluate(
    samples: Mapping[str, ScoredSample],
    background: str,
    references: Sequence[str],
    fprs: Sequence[float] = (1e-2, 1e-3, 1e-4),
    reconstructs: bool = False,
    sculpted: Sequence[str] = (),
) -> Evaluation:
    """Compare every signal with every reference, also at equal loudness, and the score with every feature.

    For each reference, every other sample is a signal, except the training background. Correlations are named in
    `metrics` for the background alone, and kept for every sample in `pearson` and `spearman`.

    Args:
        samples: name → scored sample.
        background: the sample trained on.
        references: samples taken as the background side of a ROC.
        fprs: false-positive rates at which to give the true-positive rate.
        reconstructs: the score is how badly an entry is reconstructed; where signals score lower than the background,
            that is the reason to suspect.
        sculpted: observables of the background whose spectrum the score should not change (`hepad.metrics.sculpting`).

    Returns:
        The same numbers for the same input, always.

    Raises:
        ValueError: the background or a reference is not among the samples.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> rng = np.random.default_rng(0)
    >>> background = ScoredSample("zero_bias", rng.normal(0, 1, 2000))
    >>> signal = ScoredSample("ttbar", rng.normal(1, 1, 2000))
    >>> found = evaluate({"zero_bias": background, "ttbar": signal}, "zero_bias", references=["zero_bias"])
    >>> round(found.metrics["test/auc/ttbar_vs_zero_bias"], 2)
    0.76
    """
    for name in (background, *references):
        if name not in samples:
            raise ValueError(f"no sample {name!r} to evaluate; there are {', '.join(samples)}")
    result = Evaluation(background, loudness=loudness_title(samples[background]))
    samples = _without_holes(result, samples)
    with sorted_once(column for sample in samples.values() for column in (sample.score, *sample.baselines.values())):
        _compare_all(result, samples, references, fprs, reconstructs)
    if not result.rocs:
        result.warnings += no_signal_note(background, list(samples), references)
    _correlate(result, samples)
    _sculpt(result, samples[background], sculpted)
    return result


def _sculpt(result: Evaluation, background: ScoredSample, observables: Sequence[str]) -> None:
    """Add what cuts do to the spectra of observables, where the background has them."""
    for name in dict.fromkeys(observables):
        if name not in background.features:
            there = ", ".join(background.features) or "none"
            result.warnings.append(f"sculpting: {background.name} has no observable {name}; it has: {there}.")
            continue
        found = result.sculpting[name] = score_sculpting(background.score, background.features[name], background.weight)
        for efficiency, divergence in found.divergence.items():
            metric = f"test/jsd_at_fpr_{fpr_name(efficiency)}/{name}"
            result.metrics |= {metric: divergence, f"{metric}/floor": found.floor[efficiency][0]}


def _compare_all(
    result: Evaluation,
    samples: Mapping[str, ScoredSample],
    references: Sequence[str],
    fprs: Sequence[float],
    reconstructs: bool,
) -> None:
    """Add the numbers of every pair, and what is to be said of them."""
    background = result.background
    for reference in dict.fromkeys(references):
        signals = [name for name in samples if name not in (reference, background)]
        for signal in signals:
            _compare(result, samples[signal], samples[reference], fprs)
        result.unmatched += compare_at_equal_loudness(result.metrics, samples, signals, reference)
        judged = judged_signals(signals, references)
        for matched in (False, True):
            result.metrics |= verdict_metrics(result.metrics, judged, reference, matched)
        result.warnings += beaten_notes(result.metrics, signals, reference)
        if signals:
            result.small_print += rate_note(samples[reference], fprs)
        result.warnings += ordinary_signal_note(result.metrics, signals, reference, background, reconstructs)


def _without_holes(result: Evaluation, samples: Mapping[str, ScoredSample]) -> dict[str, ScoredSample]:
    """Leave out trivial scores that are not known for every entry of a sample, and say so."""
    whole = {}
    for name, sample in samples.items():
        holes = {key: n for key, values in sample.baselines.items() if (n := int((~np.isfinite(values)).sum()))}
        kept = {key: values for key, values in sample.baselines.items() if key not in holes}
        whole[name] = replace(sample, baselines=kept)
        result.warnings += [
            f"baseline {key} of {name} left out: {n} of {len(sample)} values are NaN or infinite."
            for key, n in holes.items()
        ]
    return whole


def _compare(result: Evaluation, signal: ScoredSample, reference: ScoredSample, fprs: Sequence[float]) -> None:
    """Add all numbers of one pair."""
    pair, metrics = f"{signal.name}_vs_{reference.name}", result.metrics
    weights = reference.weight, signal.weight
    roc = roc_curve(reference.score, signal.score, *weights)
    result.rocs[signal.name, reference.name] = roc
    metrics[f"test/auc/{pair}"] = auc(reference.score, signal.score, *weights)
    known = min(signal.effective, reference.effective) >= 2
    if known:
        low, high = auc_interval(
            reference.score, signal.score, background_weight=reference.weight, signal_weight=signal.weight
        )
        metrics |= {f"test/auc/{pair}/low": low, f"test/auc/{pair}/high": high}
    else:
        result.warnings.append(f"{signal.name} vs {reference.name}: too few entries for an uncertainty.")
    for fpr in fprs:
        tpr = tpr_at_fpr(reference.score, signal.score, fpr, MIN_ENTRIES, *weights)
        if tpr is not None:
            metrics[f"test/tpr_at_fpr_{fpr_name(fpr)}/{pair}"] = tpr
    sic = max_sic(roc)
    if sic is not None:
        metrics[f"test/sic_max/{pair}"] = sic
    _compare_trivial(result, signal, reference, known)


def _compare_trivial(result: Evaluation, signal: ScoredSample, reference: ScoredSample, known: bool) -> None:
    """Add the AUC of every trivial score, and the difference of the score to the best one."""
    pair, weights = f"{signal.name}_vs_{reference.name}", (reference.weight, signal.weight)
    for name in signal.baselines:
        if name in reference.baselines:
            area = auc(reference.baselines[name], signal.baselines[name], *weights)
            result.metrics[f"test/baseline_auc/{name}/{pair}"] = area
    found = pair_result(result.metrics, signal.name, reference.name)
    if found is None or found.trivial is None:
        return
    b, s = reference.baselines[found.trivial], signal.baselines[found.trivial]
    result.baseline_rocs[found.trivial, signal.name, reference.name] = roc_curve(b, s, *weights)
    if known:
        difference = auc_difference(reference.score, signal.score, b, s, *weights)
        result.metrics |= difference_metrics(f"test/over_trivial/{pair}", difference)


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
    result.small_print += constant_feature_notes(undefined)


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
