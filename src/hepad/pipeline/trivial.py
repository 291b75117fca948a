"""The runs of a sweep beside scores that need no model."""

from hepad.metrics import read_verdict
from hepad.metrics.trivial_groups import trivial_groups
from hepad.pipeline.results import JobResult
from hepad.pipeline.table import OWN_AUC, SweepTable, pair_of
from hepad.report import Cell, Named
from hepad.report.headline import trivial_cell

TITLE = "Better than trivial"


def verdict_of(row: JobResult) -> str | None:
    """Return on how many signals a run is better than the best trivial score, against what it was trained on."""
    found = None if row.background is None else read_verdict(row.metrics, row.background)
    return None if found is None else found.short


def trivial_rows(table: SweepTable) -> list[tuple[str, dict[str, Cell]]]:
    """Return a title and metric → AUC of the best trivial score with its name, for each group of runs that share them.

    Runs of different backgrounds have their mean over the signals instead, under `OWN_AUC`.
    """
    rows: list[tuple[str, dict[str, Cell]]] = []
    for background in table.backgrounds:
        runs = {row.name: row.metrics for row in table.rows if row.background == background}
        start, end = "test/auc/", f"_vs_{background}"
        names = sorted(
            {
                name
                for metrics in runs.values()
                for name in metrics
                if name.startswith(start) and name.endswith(end) and name.count("/") == 2
            }
        )
        pairs = [pair_of(name, background) for name in names]
        groups = trivial_groups(runs, pairs)
        alone = len(groups) == 1 and len(table.backgrounds) == 1
        for group in groups:
            title = "best trivial score" if alone else f"best trivial score of {', '.join(group.runs)}"
            cells = {name: trivial_cell(group.best[p]) for name, p in zip(names, pairs, strict=True) if p in group.best}
            if len(table.backgrounds) > 1:
                cells = {OWN_AUC: group.mean_best([pair for pair in pairs if pair in group.best])}
            rows.append((title, cells))
    return rows


def trivial_text(cell: Cell) -> str:
    """Return a cell of `trivial_rows` in one line of text."""
    if isinstance(cell, Named):
        return f"{cell.name} {cell.value:.4f}"
    return f"{cell:.4f}" if isinstance(cell, float) else ""
