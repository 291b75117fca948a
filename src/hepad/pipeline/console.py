"""Terminal output of a finished sweep."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hepad.core.counting import counted
from hepad.core.pasteable import python_command
from hepad.metrics.seeds import SeedMean
from hepad.pipeline.results import JobResult
from hepad.pipeline.table import OWN_AUC, SweepTable
from hepad.pipeline.trivial import TITLE, trivial_rows, trivial_text, verdict_of
from hepad.report.formatting import format_setting, with_uncertainty

_SHOWN = 20
_WIDEST = 1000


def print_summary(table: SweepTable, means: Sequence[SeedMean], notes: Sequence[str], directory: Path) -> None:
    """Print the table, best first, the mean over seeds, what to know, why jobs failed, and where the page is."""
    # As wide as the table is: cells that are cut could not be read.
    console = Console(highlight=False, width=_WIDEST)
    console.print(_runs(table))
    if len(table.rows) > _SHOWN:
        console.print(f"… and {len(table.rows) - _SHOWN} more in sweep.csv", markup=False, soft_wrap=True)
    if means:
        console.print(_means(table, means))
    for note in notes:
        console.print(f"note    {note}", markup=False, soft_wrap=True)
    for row in table.rows:
        if row.status != "finished":
            console.print(f"{row.status:8}{row.name}: {row.reason}".rstrip(": "), markup=False, soft_wrap=True)
    if table.best is not None:
        settings = " ".join(f"{key}={value}" for key, value in table.best.settings.items())
        console.print(f"best    {settings}".rstrip(), markup=False, soft_wrap=True)
    for name, path in (("table", "sweep.csv"), ("report", "sweep.html")):
        console.print(f"{name:8}{directory / path}", markup=False, soft_wrap=True)
    if table.comparable:
        console.print(f"compare {python_command()} -m hepad.compare {directory}", markup=False, soft_wrap=True)


def shown_path(directory: Path) -> Path:
    """A path as the user would type it."""
    here = Path.cwd()
    return directory.relative_to(here) if directory.is_relative_to(here) else directory


def short(name: str) -> str:
    """A metric as the title of a column: `ttbar_vs_zero_bias` without what all have in common."""
    return f"AUC {name.removeprefix('test/auc/').split('_vs_')[0]}" if name.startswith("test/auc/") else name


def _runs(table: SweepTable) -> Table:
    order = f"best {table.metric} first" if table.ordered else "in the order of the command"
    has_auc = any(row.value(name) is not None for name in _areas(table) for row in table.rows)
    title = f"{counted(len(table.rows), 'run')}, {order}{'; AUC with its 68% interval in brackets' if has_auc else ''}"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    all_finished = all(row.status == "finished" for row in table.rows[:_SHOWN])
    shown.add_column("", justify="right")
    for key in table.swept if all_finished else ["status", *table.swept]:
        shown.add_column(key)
    for name in table.numbers:
        shown.add_column(short(name), justify="right")
    verdicts = [verdict_of(row) for row in table.rows[:_SHOWN]]
    if any(verdicts):
        shown.add_column(TITLE.lower(), justify="right")
    # A square bracket would start rich's markup.
    shown.add_column(escape("time [s]"), justify="right")
    for rank, row in enumerate(table.rows[:_SHOWN], start=1):
        words = [escape(format_setting(row.settings.get(key, ""))) for key in table.swept]
        numbers = [_number(row, name) for name in table.numbers]
        time = "" if row.seconds is None else f"{row.seconds:.1f}"
        verdict = [verdicts[rank - 1] or ""] if any(verdicts) else []
        shown.add_row(str(rank), *([] if all_finished else [row.status]), *words, *numbers, *verdict, time)
    for name, cells in trivial_rows(table):
        blank = [""] * (len(table.swept) - 1 + (not all_finished))
        best = [trivial_text(cells.get(number)) for number in table.numbers]
        shown.add_row("", *[escape(name), *blank][: len(table.swept) + (not all_finished)], *best)
    return shown


def _areas(table: SweepTable) -> list[str]:
    """The metrics shown that are AUCs."""
    return [name for name in table.numbers if name == OWN_AUC or name.startswith("test/auc/")]


def _number(row: JobResult, name: str) -> str:
    value = row.value(name)
    return "" if value is None else with_uncertainty(value, row.value(f"{name}/low"), row.value(f"{name}/high"))


def _means(table: SweepTable, means: Sequence[SeedMean]) -> Table:
    keys = [key for key in table.swept if key in means[0].settings]
    title = "Mean over seeds, standard deviation of one run in brackets"
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for key in keys:
        shown.add_column(key)
    shown.add_column("runs", justify="right")
    for name in table.numbers:
        shown.add_column(short(name), justify="right")
    for mean in means:
        cells = [_mean_cell(mean, name) for name in table.numbers]
        shown.add_row(*(escape(format_setting(mean.settings[key])) for key in keys), str(mean.n), *cells)
    return shown


def _mean_cell(mean: SeedMean, name: str) -> str:
    if name not in mean.means:
        return ""
    value, spread = mean.means[name], mean.spreads.get(name)
    return with_uncertainty(value, *((None, None) if spread is None else (value - spread, value + spread)))
