"""What a user sees in the terminal when a sweep is done."""

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hepad.sweep.table import SeedMean, SweepTable

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
    if any(name.startswith("test/auc/") for row in table.rows for name in row.metrics):
        console.print(f"compare python -m hepad.compare {directory}", markup=False, soft_wrap=True)


def short(name: str) -> str:
    """A metric as the title of a column: `ttbar_vs_zero_bias` without what all have in common."""
    return f"AUC {name.removeprefix('test/auc/').split('_vs_')[0]}" if name.startswith("test/auc/") else name


def _runs(table: SweepTable) -> Table:
    shown = Table(title=f"{len(table.rows)} runs, best {table.metric} first", title_justify="left", box=SIMPLE_HEAD)
    shown.add_column("", justify="right")
    for key in table.swept:
        shown.add_column(key)
    for name in table.numbers:
        shown.add_column(short(name), justify="right")
    shown.add_column("time [s]", justify="right")
    for rank, row in enumerate(table.rows[:_SHOWN], start=1):
        numbers = ["" if (value := row.value(name)) is None else f"{value:.4f}" for name in table.numbers]
        if row.status != "finished":
            numbers[0] = row.status
        time = "" if row.seconds is None else f"{row.seconds:.1f}"
        shown.add_row(str(rank), *(row.settings.get(key, "") for key in table.swept), *numbers, time)
    return shown


def _means(table: SweepTable, means: Sequence[SeedMean]) -> Table:
    keys = [key for key in table.swept if key in means[0].settings]
    shown = Table(title="Mean ± spread over seeds", title_justify="left", box=SIMPLE_HEAD)
    for key in keys:
        shown.add_column(key)
    shown.add_column("runs", justify="right")
    for name in table.numbers:
        shown.add_column(short(name), justify="right")
    for mean in means:
        cells = [_mean_cell(mean, name) for name in table.numbers]
        shown.add_row(*(mean.settings.get(key, "") for key in keys), str(mean.n), *cells)
    return shown


def _mean_cell(mean: SeedMean, name: str) -> str:
    if name not in mean.means:
        return ""
    spread = f" ± {mean.spreads[name]:.4f}" if name in mean.spreads else ""
    return f"{mean.means[name]:.4f}{spread}"
