"""The end of a sweep: its table on the terminal, sweep.csv, sweep.json and the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hepad.comparison.rows import Row
from hepad.comparison.seeds import SeedGroup
from hepad.core.errors import Interrupted, JobOutcome, JobsFailed, one_line
from hepad.core.files import atomic_write_text
from hepad.core.names import counted, python_command
from hepad.pipeline.session import Session
from hepad.pipeline.sweep_page import Figures, jobs_table, shown_path, sweep_means, sweep_report
from hepad.pipeline.sweep_record import FILE
from hepad.pipeline.sweep_table import SweepTable, make_table, read_results, seed_means, to_csv
from hepad.report import write_report
from hepad.report.terminal import console_table, print_to_terminal
from hepad.rundir.config_file import has_config, read_config

PAGE: Final = "sweep.html"
_SHOWN: Final = 20


def summarise(
    session: Session,
    outcomes: Sequence[JobOutcome],
    metric: str,
    direction: str,
    notes: Sequence[str],
    figures: Figures = (),
    ordered: bool = True,
) -> None:
    """Write and print the summary of all jobs of the sweep.

    Args:
        session: the sweep.
        outcomes: of the jobs of this command.
        metric: what the runs are ordered by.
        direction: `minimize` or `maximize`.
        notes: what to know about the order.
        figures: (caption, PNG) beside those of every sweep.
        ordered: the metric is one quantity for all runs.

    Raises:
        JobsFailed: not all jobs of this command finished.
    """
    directory = session.directory
    results = read_results(directory, session.record)
    table = make_table(results, session.record.swept, metric, direction, ordered)
    if len(table.backgrounds) > 1:
        notes = [
            f"The runs were trained on different samples ({', '.join(table.backgrounds)}): no loss is one quantity and "
            "none of them is the best. AUCs are against the sample that a run was trained on."
        ]
    means = seed_means(table)
    atomic_write_text(directory / "sweep.csv", to_csv(table))
    session.record.write(
        directory, metric=table.metric, direction=table.direction, runs=[_plain(row, directory) for row in results]
    )
    write_report(directory / PAGE, sweep_report(session, table, means, notes, figures))
    print_summary(table, means, notes, shown_path(directory))
    _announce(directory, table)
    statuses = {outcome.status for outcome in outcomes}
    if statuses - {"finished"}:
        raise JobsFailed(1 if "failed" in statuses else 2)


def print_summary(table: SweepTable, means: Sequence[SeedGroup], notes: Sequence[str], directory: Path) -> None:
    """Print the table, best first, the mean over seeds, what to know, why jobs failed, and where the page is."""
    order = f"best {table.metric} first" if table.ordered else "in the order of the command"
    has_auc = any(row.value(name) is not None for name in table.areas for row in table.rows)
    title = f"{counted(len(table.rows), 'run')}, {order}{'; AUC with its 68% interval in brackets' if has_auc else ''}"
    tables = [console_table(jobs_table(table, _SHOWN), title, min(len(table.rows), _SHOWN))]
    if means:
        title = "Mean over seeds, standard deviation of one run in brackets"
        tables.append(console_table(sweep_means(table, means), title))
    lines = [("…", f"and {len(table.rows) - _SHOWN} more in sweep.csv")] if len(table.rows) > _SHOWN else []
    lines += [("note", note) for note in notes]
    for row in table.rows:
        if row.status != "finished":
            lines.append((row.status, f"{row.name}: {row.reason}".rstrip(": ")))
    if table.best is not None:
        lines.append(("best", " ".join(f"{key}={value}" for key, value in table.best.settings.items())))
    lines += [("table", str(directory / "sweep.csv")), ("report", str(directory / "sweep.html"))]
    if table.comparable:
        lines.append(("compare", f"{python_command()} -m hepad.compare {directory}"))
    print_to_terminal(tables, lines)


def _announce(directory: Path, table: SweepTable) -> None:
    """Send the notice of a sweep by the trackers of its runs, which send none of their own; most want none."""
    there = [row.run_dir for row in table.rows if row.run_dir is not None and has_config(row.run_dir)]
    if there and wants_notice(there[0]):
        # Imported here, as it imports torch, which nothing of a sweep in other processes needs.
        from hepad.pipeline.sweep_notice import announce_sweep

        announce_sweep(there[0], directory, table, directory / PAGE)


def wants_notice(run_dir: Path) -> bool:
    """Return whether a logger of a run is asked for notices."""
    loggers = read_config(run_dir).get("logger") or {}
    return any((logger or {}).get("alert", "none") != "none" for logger in loggers.values())


@contextmanager
def summary_if_stopped(session: Session, write: Callable[[str], None]) -> Iterator[None]:
    """Write the summary of what there is where a signal stops the block, which ends the command all the same.

    Args:
        session: the sweep.
        write: writes the summary, with a note on why it is not complete.
    """
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        if (session.directory / FILE).is_file():
            try:
                write("The sweep was stopped; the same command again goes on with what is not finished.")
            except Exception as error:
                # What ends the command is the signal.
                print(f"the summary could not be written ({one_line(error)})", flush=True)
        raise


def _plain(row: Row, directory: Path) -> Mapping[str, Any]:
    return asdict(row) | {"run_dir": None if row.run_dir is None else row.run_dir.relative_to(directory).as_posix()}
