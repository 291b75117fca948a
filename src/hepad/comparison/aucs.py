"""AUC of several runs, and whether their differences are real."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hepad.comparison.rows import auc_name
from hepad.comparison.scores import SampleScores
from hepad.metrics import AucComponents, AucDifference, auc_components, compare_aucs, holm
from hepad.rundir.record import RunRecord


@dataclass(frozen=True, eq=False)
class PairAuc:
    """The AUC of one run for one signal and reference, beside that of the baseline run.

    Attributes:
        run: the run's label.
        signal, reference: samples.
        auc, low, high: with its 68% interval.
        difference: to the baseline run, with its standard error and p-value; None for the baseline itself, and where
            the baseline has no such pair.
        p_holm: the p-value corrected for all differences of the comparison (Holm).
        paired: both runs scored exactly the same entries, so what they have in common cancels.
    """

    run: str
    signal: str
    reference: str
    auc: float
    low: float | None
    high: float | None
    difference: AucDifference | None = None
    p_holm: float | None = None
    paired: bool | None = None


def pairs_of(record: RunRecord, samples: Sequence[str]) -> list[tuple[str, str]]:
    """Return the (signal, reference) pairs for which a run has an AUC and scores."""
    return [(s, r) for r in samples for s in samples if auc_name(s, r) in record.metrics]


def pair_aucs(
    records: Mapping[str, RunRecord],
    scores: Mapping[str, Mapping[str, SampleScores]],
    pairs: Sequence[tuple[str, str]],
    baseline: str,
) -> list[PairAuc]:
    """Return the AUC of every run for every pair that it has, with its difference to the baseline run.

    Differences are DeLong's: paired where both runs scored the same entries, else as if independent.

    Args:
        records: label → run.
        scores: label → sample → scores.
        pairs: (signal, reference), in the order wished for.
        baseline: the label of the run that the others are compared with.
    """
    aucs = []
    for signal, reference in pairs:
        key = auc_name(signal, reference)
        base = _components(scores[baseline], signal, reference) if key in records[baseline].metrics else None
        for run, record in records.items():
            if key not in record.metrics:
                continue
            pair_auc = PairAuc(
                run,
                signal,
                reference,
                record.metrics[key],
                record.metrics.get(f"{key}/low"),
                record.metrics.get(f"{key}/high"),
            )
            own = None if run == baseline or base is None else _components(scores[run], signal, reference)
            if own is not None and base is not None:
                paired = all(scores[run][s].entries == scores[baseline][s].entries for s in (signal, reference))
                pair_auc = replace(pair_auc, difference=compare_aucs(own, base, paired), paired=paired)
            aucs.append(pair_auc)
    return _corrected(aucs)


def _corrected(aucs: Sequence[PairAuc]) -> list[PairAuc]:
    corrected = iter(holm([pair_auc.difference.p_value for pair_auc in aucs if pair_auc.difference is not None]))
    return [
        pair_auc if pair_auc.difference is None else replace(pair_auc, p_holm=float(next(corrected)))
        for pair_auc in aucs
    ]


def _components(scores: Mapping[str, SampleScores], signal: str, reference: str) -> AucComponents | None:
    """DeLong's components of a run's AUC; None where there are too few entries."""
    if any(sample not in scores or scores[sample].effective < 2 for sample in (signal, reference)):
        return None
    return auc_components(scores[reference].ordered, scores[signal].ordered)
