"""The page of a sweep."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hepad import __version__
from hepad.report import Cell, Interval, Link, Report, Section, Table
from hepad.sweep.console import short
from hepad.sweep.table import SeedMean, SweepTable

if TYPE_CHECKING:
    from hepad.sweep.session import Session

_REASON_SHOWN = 60


def sweep_report(
    session: "Session",
    table: SweepTable,
    means: Sequence[SeedMean],
    notes: Sequence[str],
    figures: Sequence[tuple[str, bytes]] = (),
) -> Report:
    """The report of a sweep: the runs best first, the mean over seeds, settings against results, the command.

    Args:
        session: the sweep.
        table: its runs in order.
        means: over seeds.
        notes: what to know about the order.
        figures: (caption, PNG) beside those of every sweep.
    """
    from hepad.sweep.figures import settings_figures

    finished = sum(row.status == "finished" for row in table.rows)
    best = table.best
    sections = []
    if drawn := [*settings_figures(table), *figures]:
        sections.append(Section("Settings and results", drawn))
    if unfinished := [row for row in table.rows if row.status != "finished"]:
        reasons = Table(
            ["Job", "Status", "Reason"],
            [[row.name, row.status, row.reason or None] for row in unfinished],
            "Jobs that did not finish. The same command again resumes them.",
        )
        sections.append(Section("Not finished", tables=[reasons]))
    if best is not None:
        constant = [word for word in session.constant if not word.startswith(("sweep=", "sweep."))]
        words = [*constant, *(f"{key}={value}" for key, value in best.settings.items())]
        sections.append(Section("The best run again", notes=[_command(words)]))
    key_figures: list[tuple[str, Cell]] = [("runs", len(table.rows)), ("finished", finished)]
    if best is not None:
        key_figures.append((f"best {table.metric}", best.value(table.metric)))
    key_figures.append(("time of all runs [s]", round(sum(row.seconds or 0 for row in table.rows))))
    return Report(
        title=session.record.name,
        subtitle=f"A sweep over {', '.join(table.swept) or 'nothing'}",
        key_figures=key_figures,
        summary=[runs_table(table), *([means_table(table, means)] if means else [])],
        sections=sections,
        config=_best_config(table),
        provenance={"hepad": __version__, "directory": session.directory, "shared by all runs": session.constant},
        warnings=list(notes),
    )


def runs_table(table: SweepTable) -> Table:
    """All runs, best first, each with a link to its own report."""
    rows: list[list[Cell]] = []
    for rank, row in enumerate(table.rows, start=1):
        linked = row.run_dir is not None and (row.run_dir / "report.html").is_file()
        report = Link("report", f"{row.name}/report.html") if linked else None
        reason = row.reason if len(row.reason) <= _REASON_SHOWN else row.reason[:_REASON_SHOWN] + "…"
        rows.append(
            [
                rank,
                report,
                *(_number(row.settings.get(key)) for key in table.swept),
                *(_value(row.metrics, row.value(name), name) for name in table.numbers),
                row.best_epoch,
                row.parameters,
                row.seconds,
                f"{row.status}: {reason}" if reason else row.status,
                row.name,
            ]
        )
    titles = [
        "",
        "Run",
        *table.swept,
        *map(short, table.numbers),
        "Best epoch",
        "Parameters",
        "Time [s]",
        "Status",
        "Directory",
    ]
    order = "lowest" if table.direction == "minimize" else "highest"
    return Table(
        titles,
        rows,
        f"Runs, {order} {table.metric} first, at the epoch of the checkpoint. AUC against the background with its 68% "
        "interval.",
    )


def means_table(table: SweepTable, means: Sequence[SeedMean]) -> Table:
    """The mean over seeds of each setting, with the standard deviation between seeds."""
    keys = [key for key in table.swept if key in means[0].settings]
    rows: list[list[Cell]] = []
    for mean in means:
        cells: list[Cell] = []
        for name in table.numbers:
            value, spread = mean.means.get(name), mean.spreads.get(name)
            cells.append(value if value is None or spread is None else Interval(value, value - spread, value + spread))
        rows.append([*(_number(mean.settings.get(key)) for key in keys), mean.n, *cells])
    return Table(
        [*keys, "Runs", *map(short, table.numbers)], rows, "Mean ± standard deviation of one run, over the seeds."
    )


def _value(metrics: object, value: float | None, name: str) -> Cell:
    if value is None or not isinstance(metrics, dict):
        return value
    low, high = metrics.get(f"{name}/low"), metrics.get(f"{name}/high")
    return value if low is None or high is None else Interval(value, low, high)


def _number(text: str | None) -> Cell:
    """A setting as a number where it is one, so that its column sorts by value."""
    try:
        return None if text is None else int(text)
    except ValueError:
        pass
    try:
        return float(text or "")
    except ValueError:
        return text


def _best_config(table: SweepTable) -> str:
    best = table.best
    if best is None or best.run_dir is None:
        return ""
    return f"# {best.name}\n{(best.run_dir / 'config.yaml').read_text(encoding='utf-8')}"


def _command(words: Sequence[str]) -> str:
    return f"python -m hepad.train {' '.join(map(shlex.quote, words))}"
