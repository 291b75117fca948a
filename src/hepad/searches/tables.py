"""Tables of a search: methods, cuts and windows, null twins, closure, found entries."""

from typing import Final

from hepad.plots.search_style import cut_label
from hepad.report import Cell, Interval, Setting, Table, interval
from hepad.searches.findings import (
    FAILED,
    SIGNIFICANT,
    best_finding,
    failures,
    global_error,
    no_fit,
    results,
    smallest_p,
)
from hepad.searches.metrics import best_performance
from hepad.searches.record import CutResult, MethodResult, SearchRecord

WINNER: Final = "★"
_FOUND: Final = 20
_IDENTIFIERS: Final = ("rank", "row", "run", "lumi", "event")


def methods_table(record: SearchRecord) -> Table:
    """Return one row for each method: its smallest p-value, the global one, the null twin's, the largest SIC."""
    best = best_finding(record)
    top = max((found.max_sic or 0.0 for m in record.methods if (found := best_performance(m)) is not None), default=0.0)
    rows: list[list[Cell]] = []
    for method in record.methods:
        finding, twin = smallest_p(record, method), smallest_p(record, method.null)
        performance = best_performance(method)
        mark = WINNER if best is not None and best.method == method.method else ""
        if finding is None:
            rows.append([method.method, "no result", *[None] * 8])
        else:
            rows.append(
                [
                    f"{method.method} {mark}".rstrip(),
                    f"{finding.window.name}, {cut_label(finding.cut.efficiency)}",
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
                f"{window.name} {WINNER}" if winner else window.name,
                f"{window.low:g}–{window.high:g}",
                cut_label(cut.efficiency),
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
                "no p-value" if cut.failure else "no fit" if no_fit(cut) else None,
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


def null_table(record: SearchRecord) -> Table | None:
    """Return p-values of each method beside those of its null twin; None where no method has one."""
    rows: list[list[Cell]] = []
    for method in record.methods:
        finding, twin = smallest_p(record, method), smallest_p(record, method.null)
        if method.null is None or twin is None:
            continue
        known = [cut.p for _, cut in results(method.null) if cut.p is not None and not cut.failure]
        rows.append(
            [
                method.method,
                None if finding is None else finding.p,
                twin.p,
                global_cell(method),
                global_cell(method.null),
                f"{sum(p < SIGNIFICANT for p in known)} of {len(known)}",
            ]
        )
    caption = (
        "The same search of samples without signal. Of its local p-values about a twentieth should be below 0.05; cuts "
        "of one window share entries, so they come together."
    )
    titles = ["Method", "Smallest local p", "Null: smallest", "Global p", "Null: global p", "Null: local p < 0.05"]
    return Table(titles, rows, caption) if rows else None


def closure_table(record: SearchRecord) -> Table | None:
    """Return how well templates stand for background, by method and window; None where there are none."""
    rows: list[list[Cell]] = []
    for method in record.methods:
        for window in method.windows:
            if (found := window.closure) is not None:
                worst = max(found.pulls, key=lambda name: abs(found.pulls[name][0]), default=None)
                rows.append(
                    [
                        method.method,
                        window.window,
                        _symmetric(found.auc, found.error),
                        _symmetric(found.floor, found.floor_error),
                        found.against,
                        worst,
                        None if worst is None else found.pulls[worst][0],
                        None if worst is None else found.pulls[worst][1],
                    ]
                )
    titles = ["Method", "Window", "AUC", "Floor", "Against", "Worst feature", "Mean of its pulls", "Width"]
    caption = (
        "AUC of a classifier of template against what it stands for; 0.5 is perfect, and the floor is the same of two "
        "halves of what it stands for. A feature's pulls have mean 0 and width 1 where the template closes."
    )
    return Table(titles, rows, caption) if rows else None


def fit_table(record: SearchRecord) -> Table | None:
    """Return function and goodness of the fits of each method, over windows; None where nothing was fitted."""
    rows: list[list[Cell]] = []
    for method in record.methods:
        fits = [
            cut.spectrum
            for _, cut in results(method)
            if cut.spectrum is not None and cut.spectrum.expected and not cut.failure and not no_fit(cut)
        ]
        for function in dict.fromkeys(fit.function for fit in fits):
            of = [fit for fit in fits if fit.function == function]
            p = [fit.p_fit for fit in of if fit.p_fit is not None]
            ratio = [fit.chi2 / fit.ndf for fit in of if fit.chi2 is not None and fit.ndf]
            rows.append(
                [
                    method.method,
                    function or None,
                    len(of),
                    sum(ratio) / len(ratio) if ratio else None,
                    min(p, default=None),
                    f"{sum(value < SIGNIFICANT for value in p)} of {len(p)}",
                ]
            )
    titles = ["Method", "Function", "Fits", "Mean χ²/ndf", "Smallest p of a fit", "p of a fit < 0.05"]
    return Table(titles, rows, "Goodness of the fits that p-values come from.") if rows else None


def failure_table(record: SearchRecord) -> Table | None:
    """Return what has no result, with its reason; None where all has one."""
    rows: list[list[Cell]] = [[part or None for part in place] for place in failures(record)]
    titles = ["Method", "Window", "Cut", "Reason"]
    return Table(titles, rows, "What has no result, or no fit, and why.") if rows else None


def found_table(record: SearchRecord, method: MethodResult) -> Table | None:
    """Return the entries with the largest scores beyond the tightest cut, in the method's most significant window."""
    finding = smallest_p(record, method)
    if finding is None:
        return None
    columns = next(window.found for window in method.windows if window.window == finding.window.name)
    if not columns or not len(next(iter(columns.values()))):
        return None
    rows = [
        [_identifier(name, values[i]) for name, values in columns.items()]
        for i in range(min(_FOUND, len(next(iter(columns.values())))))
    ]
    count = len(next(iter(columns.values())))
    shown = f"all {count}" if count == len(rows) else f"the first {len(rows)} of {count:,}"
    caption = f"{method.method}, {finding.window.name}: {shown} entries beyond the tightest cut, by falling score."
    return Table(list(columns), rows, caption)


def samples_table(record: SearchRecord) -> Table:
    """Return the facts of each sample."""
    names = list(dict.fromkeys(name for facts in record.samples.values() for name in facts))
    rows = [[sample, *(facts.get(name) for name in names)] for sample, facts in record.samples.items()]
    return Table(["Sample", *names], rows, "Samples of the search.")


def expected_cell(cut: CutResult) -> Cell:
    """Return the expected background with its error."""
    return cut.expected if cut.expected is None or cut.error is None else _symmetric(cut.expected, cut.error)


def z_cell(z: float) -> Cell:
    """Return a significance with two decimals."""
    return Setting(f"{z:.2f}".replace("-", "−"))


def global_cell(method: MethodResult) -> Cell:
    """Return a global p-value with the error that the number of its toys gives."""
    error = global_error(method)
    return method.p_global if method.p_global is None or not error else _symmetric(method.p_global, error)


def limit_cell(cut: CutResult) -> Cell:
    """Return the median expected limit with its 68% interval."""
    return interval(cut.limits.get("median"), cut.limits.get("-1"), cut.limits.get("1"))


def without_empty(table: Table) -> Table:
    """Return a table without the columns in which nothing is known."""
    kept = [i for i in range(len(table.header)) if any(row[i] is not None for row in table.rows)]
    return Table([table.header[i] for i in kept], [[row[i] for i in kept] for row in table.rows], table.caption)


def _symmetric(value: float, error: float) -> Cell:
    return Interval(value, value - error, value + error)


def _identifier(name: str, value: float) -> Cell:
    """Return a cell without thousands' separators for what names an entry."""
    return Setting(f"{value:.0f}" if isinstance(value, float) else str(value)) if name in _IDENTIFIERS else value
