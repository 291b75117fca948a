"""Several runs side by side: what `python -m hepad.compare` finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hepad.comparison.aucs import PairAuc, pair_aucs, pairs_of
from hepad.comparison.correlations import ScoreCorrelation, score_correlation
from hepad.comparison.differences import differing_settings, unique_labels
from hepad.comparison.notes import comparison_notes
from hepad.comparison.rows import Row, in_order, row_of
from hepad.comparison.scores import SampleScores, read_scores
from hepad.core.errors import UserError
from hepad.metrics.verdict import judged_signals
from hepad.rundir.record import RunRecord, find_runs, read_record


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of several runs: what they have in common, and in what they differ.

    Attributes:
        records: label → run, in the order given.
        scores: label → sample → scores.
        settings: label → the settings in which the run differs from others.
        baseline: the label of the run that the others are compared with.
        aucs: one entry per run and pair of samples.
        correlations: sample → correlation of the scores between runs.
        left_out: runs without scores, with the reason.
        notes: what the runs do not share, one sentence each.
    """

    records: Mapping[str, RunRecord]
    scores: Mapping[str, Mapping[str, SampleScores]]
    settings: Mapping[str, Mapping[str, str]]
    baseline: str
    aucs: Sequence[PairAuc]
    correlations: Mapping[str, ScoreCorrelation]
    left_out: Sequence[Row]
    notes: Sequence[str]

    @property
    def rows(self) -> list[Row]:
        """All runs, in the order given."""
        return [row_of(run, self.settings[run], record) for run, record in self.records.items()]

    @property
    def references(self) -> list[str]:
        """References of the compared pairs, in order."""
        return list(dict.fromkeys(pair_auc.reference for pair_auc in self.aucs))

    def signals(self, reference: str) -> list[str]:
        """Signals compared with a reference, in order."""
        return list(dict.fromkeys(pair_auc.signal for pair_auc in self.aucs if pair_auc.reference == reference))

    def pair_auc(self, run: str, signal: str, reference: str) -> PairAuc | None:
        """The AUC of one run for one pair, if it has it."""
        wanted = (run, signal, reference)
        return next((a for a in self.aucs if (a.run, a.signal, a.reference) == wanted), None)

    def averaged(self, reference: str) -> list[str]:
        """The signals that enter the mean AUC (`judged_signals`): those that are no reference themselves."""
        return judged_signals(self.signals(reference), self.references)

    def mean_auc(self, run: str, reference: str) -> float | None:
        """The mean AUC over `averaged(reference)`; None where the run lacks one of them."""
        found = [self.pair_auc(run, signal, reference) for signal in self.averaged(reference)]
        known = [pair_auc.auc for pair_auc in found if pair_auc is not None]
        return sum(known) / len(known) if known and len(known) == len(found) else None

    def ranked(self, reference: str) -> list[Row]:
        """All runs with the largest mean AUC first, those that lack a signal last."""
        means = {run: self.mean_auc(run, reference) for run in self.records}
        return sorted(self.rows, key=lambda row: (means[row.name] is None, -(means[row.name] or 0.0)))


def compare(places: Sequence[str | Path], baseline: str | None = None) -> Comparison:
    """Compare runs by what their directories hold.

    Args:
        places: runs, directories that hold runs (a sweep), or patterns. A run without scores that is named itself is
            refused; one found in a directory is left out, with the reason.
        baseline: the run that the others are compared with, by name or directory; None for the first run that is named,
            or where a directory or a pattern comes first, for the one among its runs that was started first.

    Raises:
        UserError: no runs, fewer than two with scores, none of them with a signal and a reference in common, or an
            unknown baseline.
    """
    named = {Path(place).resolve() for place in places}
    records, scores, left_out = [], [], []
    for directory in find_runs(places):
        try:
            record = read_record(directory)
            scores.append(read_scores(record))
            records.append(record)
        except UserError as error:
            if directory.resolve() in named:
                raise
            left_out.append(_left_out(directory, str(error)))
    if len(records) < 2:
        listed = "; ".join(out.reason for out in left_out)
        raise UserError(
            f"a comparison needs at least two runs with scores; there {'is' if len(records) == 1 else 'are'} "
            f"{len(records)}{f' ({listed})' if listed else ''}"
        )
    settings = differing_settings(records)
    labels = unique_labels(records, settings)
    by_label = dict(zip(labels, records, strict=True))
    scores_of = dict(zip(labels, scores, strict=True))
    base = _baseline(by_label, baseline, places)
    pairs = _shared_pairs(by_label, scores_of, base)
    samples = in_order({sample for found in scores for sample in found})
    correlations = {
        sample: found
        for sample in samples
        if (found := score_correlation({run: s[sample] for run, s in scores_of.items() if sample in s})) is not None
    }
    return Comparison(
        records=by_label,
        scores=scores_of,
        settings=dict(zip(labels, settings, strict=True)),
        baseline=base,
        aucs=pair_aucs(by_label, scores_of, pairs, base),
        correlations=correlations,
        left_out=left_out,
        notes=comparison_notes(by_label, scores_of, pairs, base),
    )


def _left_out(directory: Path, reason: str) -> Row:
    try:
        record = read_record(directory)
    except UserError:
        record = RunRecord(directory, directory.resolve().name, "unreadable")
    return replace(row_of(record.name, {}, record), reason=reason)


def _baseline(records: Mapping[str, RunRecord], wanted: str | None, places: Sequence[str | Path]) -> str:
    if wanted is None:
        return _first_run(records, places)
    fitting = [label for label, record in records.items() if wanted in (label, record.name)]
    if not fitting:
        fitting = [label for label, record in records.items() if Path(wanted).resolve() == record.directory.resolve()]
    if len(fitting) == 1:
        return fitting[0]
    problem = f"means {len(fitting)} runs" if fitting else "is not among the runs"
    raise UserError(f"baseline={wanted} {problem}; allowed: {', '.join(fitting or records)}")


def _first_run(records: Mapping[str, RunRecord], places: Sequence[str | Path]) -> str:
    """Return the run that a user began with: the first one named, the first one started of a directory."""
    for place in places:
        there = {run.resolve() for run in find_runs([place])}
        found = [label for label, record in records.items() if record.directory.resolve() in there]
        if found:
            # Times of one format, so their text sorts; a run without one comes last.
            return min(found, key=lambda label: str(records[label].provenance.get("started") or "~"))
    return next(iter(records))


def _shared_pairs(
    records: Mapping[str, RunRecord], scores: Mapping[str, Mapping[str, SampleScores]], baseline: str
) -> list[tuple[str, str]]:
    """Pairs of samples for which at least two runs have an AUC; the baseline's background is the first reference."""
    held = {run: pairs_of(record, list(scores[run])) for run, record in records.items()}
    counts: dict[tuple[str, str], int] = {}
    for pairs in held.values():
        for pair in pairs:
            counts[pair] = counts.get(pair, 0) + 1
    shared = {pair for pair, count in counts.items() if count > 1}
    if not shared:
        told = "; ".join(
            f"{run}: {', '.join(f'{s} vs {r}' for s, r in pairs[:4]) or 'none'}" for run, pairs in held.items()
        )
        raise UserError(f"no two of these runs share a signal and a reference ({told})")
    order = in_order({sample for pair in shared for sample in pair})
    background = str(records[baseline].background)
    references = sorted((s for s in order if any(r == s for _, r in shared)), key=lambda s: s != background)
    return [(s, r) for r in references for s in order if (s, r) in shared]
