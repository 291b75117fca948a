"""The tables of a comparison."""

from typing import Final

from hepad.comparison.aucs import PairAuc
from hepad.comparison.compare import Comparison
from hepad.comparison.differences import spelled
from hepad.comparison.seeds import spreads_beside
from hepad.comparison.trivial import trivial_rows, verdict_cell
from hepad.metrics.verdict import SIGNIFICANT
from hepad.report import Cell, Difference, Interval, Table

_IN_RUN_TABLE: Final = ("model", "loss", "data", "data.background", "seed")


def auc_table(comparison: Comparison, reference: str) -> Table:
    """AUC of every run for every signal against one reference, best mean first, then the trivial scores."""
    signals = comparison.signals(reference)
    rows: list[list[Cell]] = []
    for run in comparison.ranked(reference):
        aucs = [comparison.pair_auc(run, signal, reference) for signal in signals]
        verdict = verdict_cell(comparison.records[run].metrics, reference)
        rows.append([run, comparison.mean_auc(run, reference), verdict, *(_interval(pair_auc) for pair_auc in aucs)])
    judged = any(row[2] is not None for row in rows)
    spreads = spreads_beside(comparison, reference)
    rows += [[title, None, None, *values] for title, values in spreads.items()]
    trivial = trivial_rows(comparison, reference)
    caption = (
        f"AUC against {reference} with its 68% interval, ordered by the mean over "
        f"{', '.join(comparison.averaged(reference))}{'; ± is the spread between seeds' if spreads else ''}"
        f"{'; trivial scores below' if trivial else ''}."
    )
    if not judged:
        return Table(["Run", "Mean", *signals], [[*row[:2], *row[3:]] for row in (*rows, *trivial)], caption)
    return Table(
        ["Run", "Mean", "Better than trivial", *signals],
        [*rows, *trivial],
        f"{caption} Better than trivial: on how many signals a run is better than the best score that needs no model "
        f"(in brackets: p < {SIGNIFICANT:g}).",
    )


def difference_table(comparison: Comparison, reference: str) -> Table:
    """Difference of every run's AUC to the baseline run's."""
    signals = comparison.signals(reference)
    rows: list[list[Cell]] = []
    for run in comparison.ranked(reference):
        aucs = [comparison.pair_auc(run, signal, reference) for signal in signals]
        if any(pair_auc is not None and pair_auc.difference is not None for pair_auc in aucs):
            rows.append([run, *(_difference(pair_auc) for pair_auc in aucs)])
    unpaired = any(pair_auc.paired is False for pair_auc in comparison.aucs if pair_auc.reference == reference)
    count = sum(pair_auc.difference is not None for pair_auc in comparison.aucs)
    return Table(
        ["Run", *signals],
        rows,
        f"AUC against {reference} minus that of {comparison.baseline}, one standard error of the last digits in "
        f"brackets (DeLong, paired{' where not marked u' if unpaired else ''}). * is significant: p < {SIGNIFICANT:g} "
        f"after Holm's correction for all {count} differences on this page. That is about these trained runs on "
        "entries like these; another seed would give other runs.",
    )


def run_table(comparison: Comparison) -> Table:
    """What each run is, how large and how fast."""
    rows: list[list[Cell]] = [
        [
            label,
            record.model,
            record.parameters,
            record.epochs,
            record.seconds.get("train"),
            microseconds_per_entry(comparison, label),
            record.loss,
            record.data,
            record.background,
            record.seed,
            record.status,
        ]
        for label, record in comparison.records.items()
    ]
    titles = ["Run", "Model", "Parameters", "Epochs", "Training [s]", "Scoring [µs per entry]", "Loss", "Data"]
    return Table(
        [*titles, "Background", "Seed", "Status"],
        rows,
        "The runs in the order given. Times are those of the machine each run was on.",
    )


def settings_table(comparison: Comparison) -> Table:
    """In which other settings the runs differ, and where they are."""
    rows: list[list[Cell]] = []
    for label, record in comparison.records.items():
        differs = {k: v for k, v in comparison.settings[label].items() if k not in _IN_RUN_TABLE}
        rows.append([label, str(record.directory), spelled(differs) or None])
    if all(row[-1] is None for row in rows):
        return Table(["Run", "Directory"], [row[:-1] for row in rows], "Where the runs are.")
    return Table(["Run", "Directory", "Also differs in"], rows, "Where the runs are, and their other settings.")


def left_out_table(comparison: Comparison) -> Table:
    """The runs that could not be compared, and why."""
    rows: list[list[Cell]] = [[out.record.name, out.record.status, out.reason] for out in comparison.left_out]
    return Table(["Run", "Status", "Why"], rows, "Runs without scores.")


def microseconds_per_entry(comparison: Comparison, run: str) -> float | None:
    """The time a run took to score one tested entry (µs), where it was measured."""
    seconds = comparison.records[run].seconds.get("score")
    entries = sum(sample.score.size for sample in comparison.scores[run].values())
    return None if seconds is None or not entries else 1e6 * seconds / entries


def _interval(pair_auc: PairAuc | None) -> Cell:
    if pair_auc is None or pair_auc.low is None or pair_auc.high is None:
        return None if pair_auc is None else pair_auc.auc
    return Interval(pair_auc.auc, pair_auc.low, pair_auc.high)


def _difference(pair_auc: PairAuc | None) -> Cell:
    if pair_auc is None or pair_auc.difference is None or pair_auc.p_holm is None:
        return None
    mark = "*" * (pair_auc.p_holm < SIGNIFICANT) + "u" * (pair_auc.paired is False)
    return Difference(pair_auc.difference.difference, pair_auc.difference.standard_error, mark)
