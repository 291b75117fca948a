"""Records of a search for its loggers: numbers under their flat names, figures and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lightning.pytorch.loggers import Logger

from hepad.core.names import file_name
from hepad.logging.log import log_report
from hepad.logging.results import Results, Table
from hepad.logging.tracker import Notice, tell
from hepad.searches.findings import results
from hepad.searches.metrics import PREFIX, search_metrics
from hepad.searches.page import PAGE, PLOTS
from hepad.searches.record import MethodResult, SearchRecord
from hepad.searches.tables import found_columns

_CUT_COLUMNS: Final = (
    *("method", "null_twin", "window", "low", "high", "efficiency", "observed", "expected", "error", "p_local"),
    *("p_toys", "z", "limit", "limit_median", "sculpting", "signal", "failure"),
)


def log_search(loggers: Sequence[Logger], record: SearchRecord, directory: Path) -> None:
    """Log the numbers of metrics.json to every logger, and figures and tables where it can show them.

    Args:
        loggers: of the search.
        record: what was found.
        directory: of the search, where its page and plots/ were written.
    """
    pictures = {path.stem: path for path in sorted((directory / PLOTS).glob("*.png"))}
    tables = {f"{PREFIX}/cuts": Table(_CUT_COLUMNS, cut_rows(record))}
    for method in record.methods:
        if columns := found_columns(record, method):
            rows = [list(row) for row in zip(*columns.values(), strict=True)]
            tables[f"{PREFIX}/found/{file_name(method.method)}"] = Table(list(columns), rows)
    tell(loggers, Results(search_metrics(record), 0, pictures, tables))
    log_report(loggers, directory / PAGE)


def search_notice(record: SearchRecord, directory: Path) -> Notice:
    """Return the notice of a search that has ended: of each method its smallest local p-value, and where."""
    lines = []
    for method in record.methods:
        found = [(cut.p, result.window, cut.efficiency) for result, cut in results(method) if cut.p is not None]
        if found:
            p, window, efficiency = min(found)
            lines.append(f"{method.method}: smallest local p-value {p:.2g}, window {window}, efficiency {efficiency:g}")
        else:
            lines.append(f"{method.method}: no p-value")
    return Notice(f"search {directory.name} is finished", "\n".join(lines))


def cut_rows(record: SearchRecord) -> list[list[Any]]:
    """Return one row for each cut of each method in each window, those of null twins among them."""
    rows = []
    for method in record.methods:
        rows += _rows_of(record, method, null=False)
        if method.null is not None:
            rows += _rows_of(record, method.null, null=True)
    return rows


def _rows_of(record: SearchRecord, method: MethodResult, null: bool) -> list[list[Any]]:
    windows = {window.name: window for window in record.windows}
    return [
        [
            *(method.method, null, result.window, windows[result.window].low, windows[result.window].high),
            *(cut.efficiency, cut.observed, cut.expected, cut.error, cut.p, cut.p_toys, cut.z),
            *(cut.limits.get("observed"), cut.limits.get("median"), cut.sculpting, cut.signal, cut.failure),
        ]
        for result, cut in results(method)
    ]
