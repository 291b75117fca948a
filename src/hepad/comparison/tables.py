"""The tables of a comparison."""

from collections.abc import Mapping
from typing import Final

from hepad.comparison.aucs import PairAuc
from hepad.comparison.compare import ComparedRun, Comparison
from hepad.comparison.differences import spelled
from hepad.comparison.rows import BETTER_CAPTION, Columns, auc_name, better_column, metric_cell, runs_table, trivial_rows
from hepad.comparison.seeds import spreads_beside
from hepad.metrics import trivial_title
from hepad.metrics.matching import MIN_EFFECTIVE
from hepad.metrics.verdict import SIGNIFICANT
from hepad.report import Cell, Difference, Table, interval

_IN_RUN_TABLE: Final = ("model", "loss", "data", "data.background", "seed")


def auc_table(comparison: Comparison, reference: str, brief: bool = False) -> Table:
    """AUC of every run for every signal against one reference, best mean first, then the trivial scores.

    Args:
        comparison: of the runs.
        reference: on the background side.
        brief: for a terminal: of the trivial scores the best ones alone, and a star at what differs from the baseline.
    """
    rows = comparison.ranked(reference)
    judged = better_column(rows, lambda row: reference)
    columns: Columns[ComparedRun] = {
        "run": ("Run", lambda row: row.name),
        "mean": ("Mean", lambda row: comparison.mean_auc(row.name, reference)),
        **judged,
    }
    for signal in comparison.signals(reference):
        columns[auc_name(signal, reference)] = (
            signal,
            lambda row, signal=signal: _auc(comparison.pair_auc(row.name, signal, reference), starred=brief),
        )
    spreads = spreads_beside(comparison, reference)
    below: list[Mapping[str, Cell]] = [{"run": title, **values} for title, values in spreads.items()]
    trivial = _trivial_rows(comparison, reference, brief=brief)
    caption = (
        f"AUC against {reference} with its 68% interval, ordered by the mean over "
        f"{', '.join(comparison.averaged(reference))}{'; ± is the spread between seeds' if spreads else ''}"
        f"{'; trivial scores below' if trivial else ''}."
    )
    return runs_table(rows, columns, f"{caption} {BETTER_CAPTION}" if judged else caption, [*below, *trivial])


def matched_table(comparison: Comparison, reference: str) -> Table | None:
    """AUC of every run at equal Σ pT, trivial scores below; None where no run has any."""
    names = {auc_name(signal, reference, matched=True): signal for signal in comparison.signals(reference)}
    rows = [row for row in comparison.ranked(reference) if names.keys() & row.metrics.keys()]
    if not rows:
        return None
    columns: Columns[ComparedRun] = {
        "run": ("Run", lambda row: row.name),
        **better_column(rows, lambda row: reference, matched=True),
    }
    for name, signal in names.items():
        columns[name] = (signal, lambda row, name=name: metric_cell(row.metrics, name))
    return runs_table(
        rows,
        columns,
        f"AUC against {reference} at equal Σ pT, where loudness cannot win, with its 68% interval; runs in the same "
        f"order, trivial scores below. A dash where fewer than {MIN_EFFECTIVE} effective entries are left on a side, "
        "or Σ pT still tells the two apart.",
        _trivial_rows(comparison, reference, matched=True),
    )


def _trivial_rows(
    comparison: Comparison, reference: str, matched: bool = False, brief: bool = False
) -> list[Mapping[str, Cell]]:
    """The best trivial score by name, for each group of runs; of a single group also every other one."""
    pairs = [(signal, reference) for signal in comparison.signals(reference)]
    averaged = [(signal, reference) for signal in comparison.averaged(reference)]
    found = trivial_rows(comparison.rows, pairs, matched)
    below: list[Mapping[str, Cell]] = [
        {"run": _capitalised(title), "mean": group.mean_best(averaged), **cells} for title, group, cells in found
    ]
    if len(found) == 1 and not brief:
        for name in found[0][1].names:
            aucs = {auc_name(*pair, matched): of_pair.get(name) for pair, of_pair in found[0][1].aucs.items()}
            below.append({"run": f"{_capitalised(trivial_title(name))} alone", **aucs})
    return below


def difference_table(comparison: Comparison, reference: str) -> Table:
    """Difference of every run's AUC to the baseline run's."""
    columns: Columns[ComparedRun] = {"": ("Run", lambda row: row.name)}
    for signal in comparison.signals(reference):
        columns[signal] = (
            signal,
            lambda row, signal=signal: _difference(comparison.pair_auc(row.name, signal, reference)),
        )
    differing = {a.run for a in comparison.aucs if a.reference == reference and a.difference is not None}
    unpaired = any(pair_auc.paired is False for pair_auc in comparison.aucs if pair_auc.reference == reference)
    count = sum(pair_auc.difference is not None for pair_auc in comparison.aucs)
    return runs_table(
        [row for row in comparison.ranked(reference) if row.name in differing],
        columns,
        f"AUC against {reference} minus that of {comparison.baseline}, one standard error of the last digits in "
        f"brackets (DeLong, paired{' where not marked u' if unpaired else ''}). * is significant: p < {SIGNIFICANT:g} "
        f"after Holm's correction for all {count} differences on this page. That is about these trained runs on "
        "entries like these; another seed would give other runs.",
    )


def run_table(comparison: Comparison) -> Table:
    """What each run is, how large and how fast."""
    columns: Columns[ComparedRun] = {
        "run": ("Run", lambda row: row.name),
        "model": ("Model", lambda row: row.record.model),
        "parameters": ("Parameters", lambda row: row.record.parameters),
        "epochs": ("Epochs", lambda row: row.record.epochs),
        "training": ("Training [s]", lambda row: row.record.seconds.get("train")),
        "scoring": ("Scoring [µs per entry]", lambda row: microseconds_per_entry(comparison, row.name)),
        "loss": ("Loss", lambda row: row.record.loss),
        "data": ("Data", lambda row: row.record.data),
        "background": ("Background", lambda row: row.background),
        "seed": ("Seed", lambda row: row.record.seed),
        "status": ("Status", lambda row: row.record.status),
    }
    caption = "The runs in the order given. Times are those of the machine each run was on."
    return runs_table(comparison.rows, columns, caption)


def settings_table(comparison: Comparison) -> Table:
    """In which other settings the runs differ, and where they are."""
    columns: Columns[ComparedRun] = {
        "run": ("Run", lambda row: row.name),
        "directory": ("Directory", lambda row: str(row.record.directory)),
    }
    if not any(map(_other_settings, comparison.rows)):
        return runs_table(comparison.rows, columns, "Where the runs are.")
    columns["settings"] = ("Also differs in", lambda row: _other_settings(row) or None)
    return runs_table(comparison.rows, columns, "Where the runs are, and their other settings.")


def left_out_table(comparison: Comparison) -> Table:
    """The runs that could not be compared, and why."""
    rows: list[list[Cell]] = [[out.record.name, out.record.status, out.reason] for out in comparison.left_out]
    return Table(["Run", "Status", "Why"], rows, "Runs without scores.")


def microseconds_per_entry(comparison: Comparison, run: str) -> float | None:
    """The time a run took to score one tested entry (µs), where it was measured."""
    seconds = comparison.records[run].seconds.get("score")
    entries = sum(sample.score.size for sample in comparison.scores[run].values())
    return None if seconds is None or not entries else 1e6 * seconds / entries


def _other_settings(row: ComparedRun) -> str:
    return spelled({key: value for key, value in row.settings.items() if key not in _IN_RUN_TABLE})


def _auc(pair_auc: PairAuc | None, starred: bool) -> Cell:
    if pair_auc is None:
        return None
    significant = pair_auc.p_holm is not None and pair_auc.p_holm < SIGNIFICANT
    return interval(pair_auc.auc, pair_auc.low, pair_auc.high, "*" if starred and significant else "")


def _difference(pair_auc: PairAuc | None) -> Cell:
    if pair_auc is None or pair_auc.difference is None or pair_auc.p_holm is None:
        return None
    mark = "*" * (pair_auc.p_holm < SIGNIFICANT) + "u" * (pair_auc.paired is False)
    return Difference(pair_auc.difference.difference, pair_auc.difference.standard_error, mark)


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
