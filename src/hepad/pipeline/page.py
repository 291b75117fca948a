"""The page of a sweep."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hepad import __version__
from hepad.metrics.seeds import SeedMean
from hepad.metrics.verdict import SIGNIFICANT
from hepad.pipeline.console import short, shown_path
from hepad.pipeline.results import JobResult
from hepad.pipeline.table import SweepTable
from hepad.pipeline.trivial import TITLE, trivial_rows, verdict_of
from hepad.report import Cell, Interval, Link, Report, Section, Setting, Table

if TYPE_CHECKING:
    from hepad.pipeline.session import Session


def sweep_report(
    session: "Session",
    table: SweepTable,
    means: Sequence[SeedMean],
    notes: Sequence[str],
    figures: Sequence[tuple[str, bytes]] = (),
    rocs: Sequence[tuple[str, bytes]] = (),
) -> Report:
    """The report of a sweep: the runs best first, the mean over seeds, ROC curves, settings, the command.

    Args:
        session: the sweep.
        table: its runs in order.
        means: over seeds.
        notes: what to know about the order.
        figures: (caption, PNG) beside those of every sweep.
        rocs: (caption, PNG) of the ROC curves.
    """
    from hepad.pipeline.figures import settings_figures

    finished = sum(row.status == "finished" for row in table.rows)
    best = table.best
    sections = [Section("ROC curves", rocs)] if rocs else []
    if drawn := [*settings_figures(table), *figures]:
        sections.append(Section("Settings and results", drawn))
    if reasons := reason_tables(table):
        sections.append(Section("Not finished", tables=reasons))
    if best is not None:
        constant = [word for word in session.constant if not word.startswith(("sweep=", "sweep."))]
        words = [*constant, *(f"{key}={value}" for key, value in best.settings.items())]
        sections.append(Section("The best run again", notes=[_command(words)]))
    if table.comparable:
        words = ["python", "-m", "hepad.compare", str(shown_path(session.directory))]
        sections.append(Section("Compare the runs", notes=[shlex.join(words)]))
    sections.append(Section("The runs", tables=[details_table(table)]))
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
        landscape=True,
    )


def runs_table(table: SweepTable) -> Table:
    """All runs: settings, size and time, results, and a link to the run's own report."""
    rows: list[list[Cell]] = []
    judged = any(verdict_of(row) for row in table.rows)
    for rank, row in enumerate(table.rows, start=1):
        linked = row.run_dir is not None and (row.run_dir / "report.html").is_file()
        report = Link("report", f"{row.name}/report.html") if linked else None
        rows.append(
            [
                rank,
                row.status,
                *(_setting(row, key) for key in table.swept),
                row.parameters,
                row.seconds,
                *(_value(row.metrics, row.value(name), name) for name in table.numbers),
                *([verdict_of(row)] if judged else []),
                report,
            ]
        )
    for title, cells in trivial_rows(table):
        numbers = [cells.get(name) for name in table.numbers]
        rows.append([None, title, *([None] * (len(table.swept) + 2)), *numbers, *([None] * judged), None])
    verdict = [TITLE] if judged else []
    titles = ["", "Status", *table.swept, "Parameters", "Time [s]", *map(short, table.numbers), *verdict, "Run"]
    extreme = "lowest" if table.direction == "minimize" else "highest"
    order = f"{extreme} {table.metric} first" if table.ordered else "in the order of the command"
    caption = f"Runs, {order}; numbers of an epoch are those of the checkpoint's."
    if table.aucs or len(table.backgrounds) > 1:
        caption += " AUC against the sample that a run was trained on, 68% interval of the last digits in brackets."
    if judged:
        caption += (
            " Better than trivial: on how many signals a run is better than the best score that needs no model (in "
            f"brackets: p < {SIGNIFICANT:g})."
        )
    return Table(titles, rows, caption)


def reason_tables(table: SweepTable) -> list[Table]:
    """Why jobs did not finish, apart for those that the same command resumes and those that it would refuse again."""
    captions = {
        False: "Jobs that did not finish. The same command again resumes them, or starts those that never began.",
        True: "Jobs that were refused. The same command again refuses them too: the reason says what has to change.",
    }
    found = []
    for refused, caption in captions.items():
        rows: list[list[Cell]] = [
            [row.name, row.status, row.reason or None]
            for row in table.rows
            if row.status != "finished" and (row.status == "refused") == refused
        ]
        if rows:
            found.append(Table(["Job", "Status", "Reason"], rows, caption))
    return found


def details_table(table: SweepTable) -> Table:
    """Where each run is, and how long it trained."""
    rows: list[list[Cell]] = [
        [rank, row.name, row.epochs, row.best_epoch] for rank, row in enumerate(table.rows, start=1)
    ]
    return Table(["", "Directory", "Epochs", "Best epoch"], rows, "The runs in the same order.")


def means_table(table: SweepTable, means: Sequence[SeedMean]) -> Table:
    """The mean over seeds of each setting, with the standard deviation between seeds."""
    keys = [key for key in table.swept if key in means[0].settings]
    rows: list[list[Cell]] = []
    for mean in means:
        cells: list[Cell] = []
        for name in table.numbers:
            value, spread = mean.means.get(name), mean.spreads.get(name)
            cells.append(value if value is None or spread is None else Interval(value, value - spread, value + spread))
        rows.append([*(Setting(mean.settings[key]) for key in keys), mean.n, *cells])
    return Table(
        [*keys, "Runs", *map(short, table.numbers)],
        rows,
        "Mean over the seeds; in brackets the standard deviation of one run, in the last digits.",
    )


def _value(metrics: object, value: float | None, name: str) -> Cell:
    if value is None or not isinstance(metrics, dict):
        return value
    low, high = metrics.get(f"{name}/low"), metrics.get(f"{name}/high")
    return value if low is None or high is None else Interval(value, low, high)


def _setting(row: JobResult, key: str) -> Setting | None:
    return Setting(row.settings[key]) if key in row.settings else None


def _best_config(table: SweepTable) -> str:
    best = table.best
    if best is None or best.run_dir is None:
        return ""
    return f"# {best.name}\n{(best.run_dir / 'config.yaml').read_text(encoding='utf-8')}"


def _command(words: Sequence[str]) -> str:
    return f"python -m hepad.train {' '.join(map(shlex.quote, words))}"
