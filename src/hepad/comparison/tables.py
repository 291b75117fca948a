"""The tables of a comparison."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from hepad.comparison.aucs import PairAuc
from hepad.comparison.compare import Comparison
from hepad.comparison.differences import spelled
from hepad.comparison.rows import NAME, Columns, Row, auc_name, number_columns, runs_table
from hepad.comparison.seeds import spreads_beside
from hepad.comparison.trivial import BETTER_CAPTION, better_column, trivial_groups
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
    columns = NAME | {"mean": ("Mean", lambda row: comparison.mean_auc(row.name, reference))} | judged
    columns |= _pair_columns(comparison, reference, partial(_auc, starred=brief))
    spreads = spreads_beside(comparison, reference)
    below: list[Mapping[str, Cell]] = [{"name": title, **values} for title, values in spreads.items()]
    trivial = _trivial_rows(comparison, reference, brief=brief)
    caption = (
        f"AUC against {reference} with its 68% interval, the best run of a column marked, ordered by the mean over "
        f"{', '.join(comparison.averaged(reference))}{'; ± is the spread between seeds' if spreads else ''}"
        f"{'; trivial scores below' if trivial else ''}."
    )
    return runs_table(
        rows,
        columns,
        f"{caption} {BETTER_CAPTION}" if judged else caption,
        [*below, *trivial],
        highest=["mean", *(auc_name(signal, reference) for signal in comparison.signals(reference))],
    )


def matched_table(comparison: Comparison, reference: str) -> Table | None:
    """AUC of every run at equal loudness, trivial scores below; None where no run has any."""
    names = {auc_name(signal, reference, matched=True): signal for signal in comparison.signals(reference)}
    rows = [row for row in comparison.ranked(reference) if names.keys() & row.metrics.keys()]
    if not rows:
        return None
    return runs_table(
        rows,
        NAME | better_column(rows, lambda row: reference, matched=True) | number_columns(names),
        f"AUC against {reference} at equal loudness (Σ pT, Σ E_T of images, visible energy of showers), which cannot "
        "win, with its 68% interval, the best run marked; runs in the same "
        f"order, trivial scores below. A dash where fewer than {MIN_EFFECTIVE} effective entries are left on a side, "
        "or loudness still tells the two apart.",
        _trivial_rows(comparison, reference, matched=True),
        highest=names,
    )


def _trivial_rows(
    comparison: Comparison, reference: str, matched: bool = False, brief: bool = False
) -> list[Mapping[str, Cell]]:
    """The best trivial score by name, for each group of runs; of a single group also every other one."""
    groups = trivial_groups(comparison.rows, [(s, reference) for s in comparison.signals(reference)], matched)
    averaged = [auc_name(signal, reference, matched) for signal in comparison.averaged(reference)]
    below: list[Mapping[str, Cell]] = [
        {"name": _capitalised(group.title), "mean": group.mean_best(averaged), **group.best} for group in groups
    ]
    if len(groups) == 1 and not brief:
        below += [{"name": f"{_capitalised(title)} alone", **aucs} for title, aucs in groups[0].each.items()]
    return below


def difference_table(comparison: Comparison, reference: str) -> Table:
    """Difference of every run's AUC to the baseline run's."""
    differing = {a.run for a in comparison.aucs if a.reference == reference and a.difference is not None}
    unpaired = any(pair_auc.paired is False for pair_auc in comparison.aucs if pair_auc.reference == reference)
    count = sum(pair_auc.difference is not None for pair_auc in comparison.aucs)
    return runs_table(
        [row for row in comparison.ranked(reference) if row.name in differing],
        NAME | _pair_columns(comparison, reference, _difference),
        f"AUC against {reference} minus that of {comparison.baseline}, one standard error of the last digits in "
        f"brackets (DeLong, paired{' where not marked u' if unpaired else ''}). * is significant: p < {SIGNIFICANT:g} "
        f"after Holm's correction for all {count} differences on this page. That is about these trained runs on "
        "entries like these; another seed would give other runs.",
    )


def run_table(comparison: Comparison) -> Table:
    """Model, size and speed of each run."""
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
    told = {
        row.name: spelled({key: value for key, value in row.settings.items() if key not in _IN_RUN_TABLE}) or None
        for row in comparison.rows
    }
    columns = NAME | {"directory": ("Directory", lambda row: str(row.run_dir))}
    if not any(told.values()):
        return runs_table(comparison.rows, columns, "Where the runs are.")
    columns["settings"] = ("Also differs in", lambda row: told[row.name])
    return runs_table(comparison.rows, columns, "Where the runs are, and their other settings.")


def microseconds_per_entry(comparison: Comparison, run: str) -> float | None:
    """The time a run took to score one tested entry (µs), where it was measured."""
    seconds = comparison.records[run].seconds.get("score")
    entries = sum(sample.score.size for sample in comparison.scores[run].values())
    return None if seconds is None or not entries else 1e6 * seconds / entries


def _pair_columns(comparison: Comparison, reference: str, cell: Callable[[PairAuc], Cell]) -> Columns:
    """A column for each signal against a reference, of cells made of a run's AUC."""

    def column(signal: str) -> Callable[[Row], Cell]:
        def of_run(row: Row) -> Cell:
            found = comparison.pair_auc(row.name, signal, reference)
            return None if found is None else cell(found)

        return of_run

    return {auc_name(signal, reference): (signal, column(signal)) for signal in comparison.signals(reference)}


def _auc(found: PairAuc, starred: bool) -> Cell:
    significant = found.p_holm is not None and found.p_holm < SIGNIFICANT
    return interval(found.auc, found.low, found.high, "*" if starred and significant else "")


def _difference(found: PairAuc) -> Cell:
    if found.difference is None or found.p_holm is None:
        return None
    mark = "*" * (found.p_holm < SIGNIFICANT) + "u" * (found.paired is False)
    return Difference(found.difference.difference, found.difference.standard_error, mark)


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
