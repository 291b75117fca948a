"""The notice of a sweep: how many runs finished, the best one, its headline number."""

from pathlib import Path

from hepad.core.names import counted
from hepad.logging.lineage import headline
from hepad.logging.results import Results, Table
from hepad.logging.tracker import Notice
from hepad.pipeline.campaign import announce
from hepad.pipeline.sweep_table import SweepTable
from hepad.run.training import stored_config

_LONGEST_TEXT = 1000


def announce_sweep(run_dir: Path, directory: Path, table: SweepTable, page: Path) -> None:
    """Send the notice of a sweep once, with its table and its best numbers, by the trackers of its runs.

    Args:
        run_dir: one of its runs, whose config names the trackers.
        directory: of the sweep.
        table: of its runs.
        page: sweep.html.
    """
    metrics = {f"sweep/{name}": value for name, value in _numbers(table).items()}
    results = Results(metrics, tables={"sweep/runs": _runs(table)})
    announce(stored_config(run_dir), directory, "sweep", sweep_notice(table, directory.name), results, page)


def sweep_notice(table: SweepTable, name: str) -> Notice:
    """Return the notice of a sweep that has ended: how many runs, the best one, and its headline number.

    Args:
        table: of the sweep.
        name: of the sweep.
    """
    n, finished = len(table.rows), sum(row.status == "finished" for row in table.rows)
    lines = [f"{finished} of {counted(n, 'run')} finished"]
    if (best := table.best) is not None:
        lines.append(f"best: {' '.join(f'{key}={value}' for key, value in best.settings.items())}")
        lines.append(f"{table.metric} {best.value(table.metric):.4g}")
        lines += [f"AUC minus best trivial score: {value:+.3f}" for value in headline(best.metrics).values()]
    lines += [f"{row.name} {row.status}: {row.reason}" for row in table.rows if row.status != "finished"]
    failed = finished < n
    title = f"sweep {name}: {n - finished} of {n} not finished" if failed else f"sweep {name} is finished"
    return Notice(title, "\n".join(lines)[:_LONGEST_TEXT], failed)


def _numbers(table: SweepTable) -> dict[str, float]:
    numbers = {"finished": float(sum(row.status == "finished" for row in table.rows)), "runs": float(len(table.rows))}
    if (best := table.best) is not None:
        known = {name: best.value(name) for name in (*table.numbers, *headline(best.metrics))}
        numbers |= {f"best/{name}": value for name, value in known.items() if value is not None}
    return numbers


def _runs(table: SweepTable) -> Table:
    columns = ["name", "status", *table.swept, *table.numbers]
    rows = [
        [row.name, row.status, *(row.settings.get(key) for key in table.swept), *map(row.value, table.numbers)]
        for row in table.rows
    ]
    return Table(columns, rows)
