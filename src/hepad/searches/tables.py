"""Tables of a search: methods, cuts and windows, null twins, closure, found entries."""

from collections.abc import Sequence
from typing import Final

from hepad.plots.search_style import cut_label
from hepad.report import Cell, Interval, Setting, Table, interval
from hepad.report.formatting import plain_text
from hepad.searches.answer import FAILED
from hepad.searches.findings import (
    best_finding,
    global_error,
    is_weak,
    no_fit,
    results,
    smallest_p,
    with_trusted_global,
)
from hepad.searches.metrics import best_performance
from hepad.searches.record import CutResult, MethodResult, SearchRecord, Window

WINNER: Final = "★"
_FOUND: Final = 20
_IDENTIFIERS: Final = ("rank", "row", "run", "lumi", "event")


def methods_table(record: SearchRecord) -> Table:
    """Return one row for each method: its smallest p-value, the global one, the null twin's, the largest SIC."""
    best = best_finding(record)
    top = max((found.max_sic or 0.0 for m in record.methods if (found := best_performance(m)) is not None), default=0.0)
    rows: list[list[Cell]] = []
    for method in (with_trusted_global(record, method) for method in record.methods):
        finding, twin = smallest_p(record, method), smallest_p(record, method.null)
        performance = best_performance(method)
        mark = WINNER if best is not None and best.method == method.method else ""
        if finding is None:
            rows.append([method.method, "no result", *[None] * 8])
        else:
            rows.append(
                [
                    unbroken(f"{method.method} {mark}".rstrip()),
                    unbroken(f"{finding.window.name}, {cut_label(finding.cut.efficiency)}"),
                    finding.cut.observed,
                    expected_cell(finding.cut),
                    finding.p,
                    z_cell(finding.z),
                    global_cell(method),
                    None if twin is None else twin.p,
                    None if method.null is None else global_cell(method.null),
                    None
                    if performance is None
                    else interval(
                        performance.max_sic,
                        performance.max_sic_low,
                        performance.max_sic_high,
                        WINNER if performance.max_sic == top and len(record.methods) > 1 else "",
                    ),
                ]
            )
    titles = [
        *("Method", "Window, cut", "Observed", "Expected", "Local p", "Z", "Global p"),
        *("Null: local p", "Null: global p", "Max SIC"),
    ]
    return without_empty(
        Table(
            titles,
            rows,
            f"Smallest local p-value of each method; {WINNER} the one that gives the answer, and the largest SIC. "
            "Numbers in brackets are the uncertainty of the last digits.",
        )
    )


def cuts_table(record: SearchRecord, method: MethodResult, null: bool = False) -> Table:
    """Return one row for each window and cut of a method.

    Args:
        record: of the search.
        method: one of its methods, or a null twin.
        null: it is a null twin.
    """
    finding = smallest_p(record, method)
    windows = {window.name: window for window in record.windows}
    rows: list[list[Cell]] = []
    for result, cut in results(method):
        window = windows[result.window]
        winner = finding is not None and finding.cut is cut
        rows.append(
            [
                unbroken(f"{window.name} {WINNER}") if winner else window.name,
                unbroken(f"{window.low:g}–{window.high:g}"),
                unbroken(cut_label(cut.efficiency)),
                cut.observed,
                *([cut.signal] if record.unblinded and not null else []),
                *(
                    [None] * 4
                    if cut.failure
                    else [expected_cell(cut), cut.p, cut.p_toys, None if cut.z is None else z_cell(cut.z)]
                ),
                None if cut.failure else cut.limits.get("observed"),
                None if cut.failure else limit_cell(cut),
                cut.sculpting,
                _failed(window, cut),
            ]
        )
    unit = f" [{record.unit}]" if record.unit else ""
    signal = ["Signal"] if record.unblinded and not null else []
    titles = [
        *("Window", f"{record.observable}{unit}", "Cut", "Observed", *signal, "Expected", "Local p", "p of toys", "Z"),
        *("Limit", "Expected limit", "JSD", FAILED),
    ]
    name = f"{method.method}, null twin" if null else method.method
    return without_empty(
        Table(
            titles,
            rows,
            f"{name}: windows and cuts; {WINNER} the smallest local p-value. Limits at 95% CL on entries of signal "
            "beyond the cut, expected with the central 68% of background alone. JSD: how far the cut changes the "
            f"spectrum of {record.observable} beside the window.",
        )
    )


def found_columns(record: SearchRecord, method: MethodResult, most: int = 200) -> dict[str, Sequence[float]]:
    """Return columns of the entries with the largest scores beyond the tightest cut, at most so many.

    They are those of the window of the method's smallest p-value; empty where it has none, or kept no entries.
    """
    finding = smallest_p(record, method)
    if finding is None:
        return {}
    columns = next(window.found for window in method.windows if window.window == finding.window.name)
    return {name: values[:most] for name, values in columns.items() if len(values)}


def found_table(record: SearchRecord, method: MethodResult) -> Table | None:
    """Return the first twenty of `found_columns`; None where there are none."""
    columns, finding = found_columns(record, method), smallest_p(record, method)
    if not columns or finding is None:
        return None
    shown = {name: values[:_FOUND] for name, values in columns.items()}
    rows = [
        [_identifier(name, value) for name, value in zip(shown, row, strict=True)]
        for row in zip(*shown.values(), strict=True)
    ]
    caption = (
        f"{method.method}, {finding.window.name}: the first {len(rows)} entries beyond the tightest cut, by score."
    )
    return Table(list(shown), rows, caption)


def signal_table(record: SearchRecord, method: MethodResult) -> Table | None:
    """Return the signal that a method has fitted in the window of its smallest p-value; None where it fits none.

    A row for each feature: median and central 68% of its draws, of the found entries, and of the true signal.
    """
    finding = smallest_p(record, method)
    result = next((r for r in method.windows if finding is not None and r.window == finding.window.name), None)
    if result is None or (signal := result.signal_model) is None:
        return None
    columns = {"Signal model": signal.features, "Found": result.found, "True signal": signal.truth}
    rows: list[list[Cell]] = [
        [name, *(_middle(of.get(name, ())) for of in columns.values())]
        for name in (record.observable, *record.features)
        if name in signal.features
    ]
    inside = next((cut.observed for cut in result.cuts if cut.efficiency == 1), None)
    told = "" if inside is None else f", about {signal.fraction * inside:.0f} of {inside:,}"
    caption = (
        f"{method.method}, {result.window}: the fitted signal is {100 * signal.fraction:.2g}% of the entries{told} "
        f"(standard deviation over folds {100 * signal.spread:.2g}%). Median and central 68% of its draws, of the "
        "entries beyond the tightest cut, and of the true signal where truth was read."
    )
    return without_empty(Table(["Feature", *columns], rows, caption))


def _middle(values: Sequence[float]) -> Cell:
    known = sorted(values)
    if not known:
        return None
    low, median, high = (known[min(len(known) - 1, int(share * len(known)))] for share in (0.16, 0.5, 0.84))
    return Interval(median, low, high)


def _failed(window: Window, cut: CutResult) -> str | None:
    if cut.failure:
        return "no p-value"
    return "no fit" if no_fit(cut) else "weak fit" if is_weak(window, cut) else None


def samples_table(record: SearchRecord) -> Table:
    """Return the facts of each sample."""
    names = list(dict.fromkeys(name for facts in record.samples.values() for name in facts))
    rows = [[sample, *(facts.get(name) for name in names)] for sample, facts in record.samples.items()]
    return Table(["Sample", *names], rows, "Samples of the search.")


def expected_cell(cut: CutResult) -> Cell:
    """Return the expected background with its error."""
    return cut.expected if cut.expected is None or cut.error is None else symmetric(cut.expected, cut.error)


def unbroken(text: str) -> str:
    """Return a text that a narrow page does not break into lines."""
    return text.replace(" ", "\u00a0").replace("–", "\u2060–\u2060")


def brief_p(p: float) -> Setting:
    """Return a p-value for a terminal, in at most eight characters."""
    return Setting(f"{p:.2g}" if p >= 1e-3 else f"{p:.1e}")


def z_cell(z: float) -> Cell:
    """Return a significance with two decimals."""
    return Setting(f"{z:.2f}".replace("-", "−"))


def global_cell(method: MethodResult) -> Cell:
    """Return a global p-value with the error that the number of its toys gives."""
    error = global_error(method)
    return method.p_global if method.p_global is None or not error else symmetric(method.p_global, error)


def limit_cell(cut: CutResult) -> Cell:
    """Return the median expected limit with its 68% interval."""
    return interval(cut.limits.get("median"), cut.limits.get("-1"), cut.limits.get("1"))


def without_empty(table: Table) -> Table:
    """Return a table without the columns in which nothing is known; cells with the mark of the best are winners."""
    kept = [i for i in range(len(table.header)) if any(row[i] is not None for row in table.rows)]
    rows = [[row[i] for i in kept] for row in table.rows]
    winners = {(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if WINNER in plain_text(cell)}
    return Table([table.header[i] for i in kept], rows, table.caption, winners)


def symmetric(value: float, error: float) -> Cell:
    """Return a number with its error."""
    return Interval(value, value - error, value + error)


def _identifier(name: str, value: float) -> Cell:
    """Return a cell without thousands' separators for what names an entry."""
    return Setting(f"{value:.0f}" if isinstance(value, float) else str(value)) if name in _IDENTIFIERS else value
