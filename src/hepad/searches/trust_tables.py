"""Tables that say how far a search can be trusted: null twins, closure of templates, fits, and what failed."""

from hepad.plots.search_style import cut_label
from hepad.report import Cell, Table
from hepad.searches.findings import (
    SIGNIFICANT,
    efficiencies,
    failures,
    no_fit,
    results,
    smallest_p,
    with_trusted_global,
)
from hepad.searches.record import SearchRecord
from hepad.searches.tables import global_cell, symmetric


def null_table(record: SearchRecord) -> Table | None:
    """Return p-values of each method beside those of its null twin; None where no method has one."""
    rows: list[list[Cell]] = []
    for method in (with_trusted_global(record, method) for method in record.methods):
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
                        symmetric(found.auc, found.error),
                        symmetric(found.floor, found.floor_error),
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


def sculpting_table(record: SearchRecord) -> Table | None:
    """Return how far each cut of each method changes the spectrum beside the windows; None where nobody measured it."""
    cuts = [cut for cut in efficiencies(record.methods) if cut < 1]
    rows: list[list[Cell]] = []
    for method in record.methods:
        known = {
            efficiency: [
                cut.sculpting
                for _, cut in results(method)
                if cut.efficiency == efficiency and cut.sculpting is not None
            ]
            for efficiency in cuts
        }
        if any(known.values()):
            rows.append([method.method, *(max(values, default=None) for values in known.values())])
    caption = (
        f"Sculpting: the largest Jensen-Shannon distance, over the windows, between the spectra of {record.observable} "
        "with and without a cut, beside the window; 0 is no change. Few entries have a distance by chance alone."
    )
    return Table(["Method", *map(cut_label, cuts)], rows, caption) if rows else None


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
            ratio = [fit.chi2 / (fit.ndf or 1) for fit in of if fit.chi2 is not None and (fit.ndf or 0) > 0]
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
