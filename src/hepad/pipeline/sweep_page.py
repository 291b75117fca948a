"""The page of a sweep: a comparison of its jobs, with their settings as columns and how each of them ended."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from hepad import __version__
from hepad.comparison.differences import spelled
from hepad.comparison.figures import roc_curves, roc_figures
from hepad.comparison.rows import Columns, Row, auc_name, number_columns, pairs_against, reason_table, runs_table
from hepad.comparison.scores import SampleScores, read_scores
from hepad.comparison.seeds import SeedGroup, means_table
from hepad.comparison.trivial import BETTER_CAPTION, better_column
from hepad.core.errors import UserError
from hepad.pipeline.session import Session
from hepad.pipeline.sweep_table import SweepTable, trivial_scores
from hepad.plots import figure_bytes, plot_parallel_coordinates
from hepad.plots.runs import in_color, run_styles
from hepad.report import Cell, Link, Report, Section, Setting, Table
from hepad.report.formatting import format_setting
from hepad.rundir.record import read_record

Figures = Sequence[tuple[str, bytes]]
"""(caption, PNG)."""


def sweep_report(
    session: Session, table: SweepTable, means: Sequence[SeedGroup], notes: Sequence[str], figures: Figures = ()
) -> Report:
    """The report of a sweep: the runs best first, the mean over seeds, ROC curves, settings, the command.

    Args:
        session: the sweep.
        table: its runs in order.
        means: over seeds.
        notes: what to know about the order.
        figures: beside those of every sweep.
    """
    best = table.best
    again, comparing = [], []
    if best is not None:
        constant = [word for word in session.constant if not word.startswith(("sweep=", "sweep."))]
        words = [*constant, *(f"{key}={value}" for key, value in best.settings.items())]
        again.append(f"python -m hepad.train {shlex.join(words)}")
    if table.comparable:
        comparing.append(shlex.join(["python", "-m", "hepad.compare", str(shown_path(session.directory))]))
    sections = [
        Section("ROC curves", roc_pictures(table)),
        Section("Settings and results", [*settings_pictures(table), *figures]),
        Section("Not finished", tables=reason_tables(table)),
        Section("The best run again", notes=again),
        Section("Compare the runs", notes=comparing),
        Section("The runs", tables=[details_table(table)]),
    ]
    key_figures: list[tuple[str, Cell]] = [
        ("runs", len(table.rows)),
        ("finished", sum(row.status == "finished" for row in table.rows)),
        *([] if best is None else [(f"best {table.metric}", best.value(table.metric))]),
        ("time of all runs [s]", round(sum(row.seconds or 0 for row in table.rows))),
    ]
    return Report(
        title=session.record.name,
        subtitle=f"A sweep over {', '.join(table.swept) or 'nothing'}",
        key_figures=key_figures,
        summary=[jobs_table(table), *([sweep_means(table, means)] if means else [])],
        sections=[section for section in sections if section.figures or section.tables or section.notes],
        config=_best_config(best),
        provenance={"hepad": __version__, "directory": session.directory, "shared by all runs": session.constant},
        warnings=list(notes),
        landscape=True,
    )


def jobs_table(table: SweepTable, most: int | None = None) -> Table:
    """All jobs: how each ended, its settings, size and time, results, and a link to the run's own report.

    Args:
        table: the runs in order.
        most: how many to show on a terminal, without size and link, and without what is the same for all of them;
            None for a page.
    """
    rows = table.rows[:most]
    ranks = {row.name: rank for rank, row in enumerate(rows, start=1)}
    columns: Columns = {
        "rank": ("", lambda row: ranks[row.name]),
        "status": ("Status", lambda row: row.status),
        **{key: (key, partial(_setting, key)) for key in table.swept},
        "parameters": ("Parameters", lambda row: row.parameters),
        "seconds": ("Time [s]", lambda row: row.seconds),
    }
    columns |= number_columns(table.titles) | better_column(rows, lambda row: row.background)
    columns["report"] = ("Run", _report_link)
    if most is not None:
        alike = all(row.status == "finished" for row in rows) and table.swept
        for key in ("parameters", "report", *(["status"] if alike else [])):
            del columns[key]
    first = list(columns)[1]
    extreme = "lowest" if table.direction == "minimize" else "highest"
    order = f"{extreme} {table.metric} first" if table.ordered else "in the order of the command"
    caption = f"Runs, {order}; numbers of an epoch are those of the checkpoint's."
    if table.areas:
        caption += " AUC against the sample that a run was trained on, 68% interval of the last digits in brackets."
    if "verdict" in columns:
        caption += f" {BETTER_CAPTION}"
    trivial = [{first: title, **cells} for title, cells in trivial_scores(table)]
    # What a sweep maximises may be anything; an AUC is better where it is larger, a loss where it is smaller.
    by_metric = [table.metric] if table.ordered else []
    highest = [*table.areas, *(by_metric if table.direction == "maximize" else [])]
    lowest = by_metric if table.direction == "minimize" else []
    return runs_table(rows, columns, f"{caption} The best of a column is marked.", trivial, highest, lowest)


def sweep_means(table: SweepTable, means: Sequence[SeedGroup]) -> Table:
    """The mean over seeds of each setting, with the standard deviation between seeds."""
    keys = [key for key in table.swept if key in means[0].settings]
    told: dict[str, list[Cell]] = {key: [Setting(mean.settings[key]) for mean in means] for key in keys}
    caption = "Mean over the seeds; in brackets the standard deviation of one run, in the last digits."
    return means_table(means, told, table.titles, caption)


def reason_tables(table: SweepTable) -> list[Table]:
    """Reasons why jobs did not finish, apart for those that the same command resumes and those it refuses again."""
    captions = {
        False: "Jobs that did not finish. The same command again resumes them, or starts those that never began.",
        True: "Jobs that were refused. The same command again refuses them too: the reason says what has to change.",
    }
    unfinished = [row for row in table.rows if row.status != "finished"]
    found = [
        reason_table((row for row in unfinished if (row.status == "refused") == refused), caption)
        for refused, caption in captions.items()
    ]
    return [made for made in found if made.rows]


def details_table(table: SweepTable) -> Table:
    """Place of each run, and the time that it trained."""
    ranks = {row.name: rank for rank, row in enumerate(table.rows, start=1)}
    columns: Columns = {
        "rank": ("", lambda row: ranks[row.name]),
        "name": ("Directory", lambda row: row.name),
        "epochs": ("Epochs", lambda row: row.epochs),
        "best": ("Best epoch", lambda row: row.best_epoch),
    }
    return runs_table(table.rows, columns, "The runs in the same order.")


def settings_pictures(table: SweepTable) -> Figures:
    """The settings against the metrics; none with fewer than two runs."""
    # Runs that a loss cannot order are drawn by an AUC: of a signal that is no reference, if there is one.
    references = {name.rpartition("_vs_")[2] for row in table.rows for name in row.metrics}
    areas = sorted(table.areas, key=lambda name: name.removeprefix("test/auc/").split("_vs_")[0] in references)
    order = table.numbers if table.ordered else list(dict.fromkeys([*areas, *table.numbers]))
    rows = [row for row in table.rows if row.value(order[0]) is not None]
    if len(rows) < 2 or not (table.ordered or areas):
        return []
    settings = {key: [row.settings.get(key, "–") for row in rows] for key in table.swept}
    names = [name for name in order if all(row.value(name) is not None for row in rows)]
    results = {table.titles[name]: [row.value(name) or 0.0 for row in rows] for name in names}
    figure = plot_parallel_coordinates(settings, results, minimize=table.ordered and table.direction == "minimize")
    thick = "the best run" if table.best is not None else "the run with the highest"
    caption = (
        "Each line is a run, from its settings to its results; the colour is "
        f"{table.titles[order[0]]}, {thick} is drawn thick."
    )
    return [(caption, figure_bytes(figure))]


def roc_pictures(table: SweepTable) -> Figures:
    """The ROC curves of the runs of each background, one figure per signal."""
    found = []
    for background in table.backgrounds:
        rows = [row for row in table.rows if row.background == background and row.status == "finished"]
        differing = [key for key in table.swept if len({row.settings.get(key) for row in rows}) > 1]
        labels: dict[str, Row] = {}
        for row in rows:
            told = spelled({key: format_setting(row.settings[key]) for key in differing if key in row.settings})
            labels[row.name if told in labels else told or row.name] = row
        pairs = pairs_against(rows, background)
        aucs = {
            pair: {run: row.metrics[name] for run, row in labels.items() if (name := auc_name(*pair)) in row.metrics}
            for pair in pairs
        }
        # No run of a sweep is the one that the others are compared with; they come in the order of its table.
        shown = in_color(list(labels), None)
        # Of one run after the other: the scores of hundreds would not fit into memory.
        curves = {run: roc_curves(_scores(row.run_dir), pairs) for run, row in labels.items()}
        for (signal, _), figure in roc_figures(curves, aucs, run_styles(labels, None, shown), shown):
            caption = f"ROC of the runs trained on {background}: {signal} against it."
            found.append((caption, figure_bytes(figure)))
    return found


def shown_path(directory: Path) -> Path:
    """A path as the user would type it."""
    here = Path.cwd()
    return directory.relative_to(here) if directory.is_relative_to(here) else directory


def _setting(key: str, row: Row) -> Setting | None:
    return Setting(row.settings[key]) if key in row.settings else None


def _report_link(row: Row) -> Link | None:
    linked = row.run_dir is not None and (row.run_dir / "report.html").is_file()
    return Link("report", f"{row.name}/report.html") if linked else None


def _scores(run_dir: Path | None) -> dict[str, SampleScores]:
    """Return sample → scores of a run; of nothing where it has none."""
    with suppress(UserError):
        if run_dir is not None:
            return read_scores(read_record(run_dir))
    return {}


def _best_config(best: Row | None) -> str:
    if best is None or best.run_dir is None:
        return ""
    return f"# {best.name}\n{(best.run_dir / 'config.yaml').read_text(encoding='utf-8')}"
