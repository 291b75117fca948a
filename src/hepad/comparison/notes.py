"""Sentences on what compared runs do not share."""

from collections.abc import Mapping, Sequence

from hepad.comparison.rows import auc_name
from hepad.comparison.scores import SampleScores
from hepad.metrics import PairResult, pair_result, trivial_title
from hepad.metrics.verdict import judged_signals
from hepad.rundir.record import RunRecord

_SHOWN = 6


def comparison_notes(
    records: Mapping[str, RunRecord],
    scores: Mapping[str, Mapping[str, SampleScores]],
    pairs: Sequence[tuple[str, str]],
    baseline: str,
) -> list[str]:
    """Return one sentence for everything that a reader must know before comparing these runs.

    Args:
        records: label → run.
        scores: label → sample → scores.
        pairs: the (signal, reference) pairs that are compared.
        baseline: the label of the run that the others are compared with.
    """
    notes = []
    backgrounds: dict[str, list[str]] = {}
    for run, record in records.items():
        backgrounds.setdefault(str(record.background), []).append(run)
    if len(backgrounds) > 1:
        told = "; ".join(f"{background}: {_listed(runs)}" for background, runs in backgrounds.items())
        notes.append(f"The runs were trained on different backgrounds ({told}).")
    samples = list(dict.fromkeys(sample for pair in pairs for sample in (pair[1], pair[0])))
    for sample in samples:
        if missing := [run for run in records if sample not in scores[run]]:
            notes.append(f"{sample} is not among the samples of {_listed(missing)}.")
    notes += _other_entries(samples, scores, baseline)
    lacking: dict[tuple[str, ...], list[str]] = {}
    for signal, reference in pairs:
        without = tuple(
            run
            for run, record in records.items()
            if {signal, reference} <= set(scores[run]) and auc_name(signal, reference) not in record.metrics
        )
        lacking.setdefault(without, []).append(f"{signal} vs {reference}")
    notes += [f"No AUC for {_listed(told)} in {_listed(runs)}." for runs, told in lacking.items() if runs]
    alone = {
        sample: runs[0]
        for sample in dict.fromkeys(name for found in scores.values() for name in found)
        if len(runs := [run for run in records if sample in scores[run]]) == 1
    }
    notes += [f"{sample} is in {run} alone and is not compared." for sample, run in alone.items()]
    return [*notes, *beaten_notes(records, pairs)]


def _other_entries(
    samples: Sequence[str], scores: Mapping[str, Mapping[str, SampleScores]], baseline: str
) -> list[str]:
    """One sentence for all runs and samples that differ from the baseline's entries in the same way."""
    where: dict[tuple[str, str], list[str]] = {}
    for sample in samples:
        base = scores[baseline].get(sample)
        for run, found in scores.items():
            own = found.get(sample)
            if base is not None and own is not None and own.entries != base.entries:
                where.setdefault((run, _reason(own, base)), []).append(sample)
    told: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (run, reason), found_in in where.items():
        told.setdefault((reason, tuple(found_in)), []).append(run)
    return [
        f"{_listed(runs)} {'was' if len(runs) == 1 else 'were'} not tested on the entries of {baseline} in "
        f"{_listed(found_in)} ({reason}); these differences are unpaired, and mix model and data."
        for (reason, found_in), runs in told.items()
    ]


def _reason(own: SampleScores, base: SampleScores) -> str:
    if own.source[0] != base.source[0]:
        return f"entries are {own.source[0]}, not {base.source[0]}"
    return "another file" if own.source[1] != base.source[1] else "other entries of the same file"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def beaten_notes(records: Mapping[str, RunRecord], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Say on which signals no run is better than the best trivial score, one sentence per reference."""
    notes, references = [], list(dict.fromkeys(reference for _, reference in pairs))
    for reference in references:
        signals = [signal for signal, r in pairs if r == reference]
        judged = judged_signals(signals, references)
        told = []
        for signal in judged:
            results = [pair_result(record.metrics, signal, reference) for record in records.values()]
            found = [result for result in results if result is not None and result.trivial is not None]
            if found and not any(result.better for result in found):
                told.append(_beaten(signal, found))
        if told:
            share = f"{len(told)} of {len(judged)} {'signal' if len(judged) == 1 else 'signals'}"
            notes.append(
                f"Against {reference} no run is better than the best trivial score on {share}: {'; '.join(told)}."
            )
    return notes


def _beaten(signal: str, found: Sequence[PairResult]) -> str:
    best = max(found, key=lambda result: result.auc)
    return f"{signal} ({trivial_title(str(best.trivial))} {best.trivial_auc:.4f}, best run {best.auc:.4f})"
