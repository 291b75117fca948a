"""The end of a sweep: its table on the console, sweep.csv, sweep.json and the page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hepad.core.errors import Interrupted
from hepad.core.files import atomic_write_text
from hepad.core.outcome import JobOutcome, JobsFailed, one_line
from hepad.pipeline.console import print_summary, shown_path
from hepad.pipeline.page import sweep_report
from hepad.pipeline.record import FILE
from hepad.pipeline.results import JobResult, read_results
from hepad.pipeline.session import Session
from hepad.pipeline.table import make_table, seed_means, to_csv


def summarise(
    session: Session,
    outcomes: Sequence[JobOutcome],
    metric: str,
    direction: str,
    notes: Sequence[str],
    figures: Sequence[tuple[str, bytes]] = (),
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
    from hepad.pipeline.figures import roc_figures
    from hepad.report import write_report

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
    write_report(directory / "sweep.html", sweep_report(session, table, means, notes, figures, roc_figures(table)))
    print_summary(table, means, notes, shown_path(directory))
    statuses = {outcome.status for outcome in outcomes}
    if statuses - {"finished"}:
        raise JobsFailed(1 if "failed" in statuses else 2)


@contextmanager
def summary_if_stopped(session: Session, write: Callable[[str], None]) -> Iterator[None]:
    """Where a signal stops the block, write the summary of what there is, then let it end the command all the same.

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


def _plain(row: JobResult, directory: Path) -> Mapping[str, Any]:
    return asdict(row) | {"run_dir": None if row.run_dir is None else row.run_dir.relative_to(directory).as_posix()}
