"""Flat names and numbers of a search, the same in metrics.json and in W&B's summary."""

import json
import math
from pathlib import Path
from typing import Final

from hepad.core.files import atomic_write_text
from hepad.core.names import file_name
from hepad.rundir.facts import METRICS
from hepad.searches.findings import results, smallest_p, with_trusted_global
from hepad.searches.record import MethodResult, Performance, SearchRecord

PREFIX: Final = "search"


def search_metrics(record: SearchRecord) -> dict[str, float]:
    """Return every number of a search that a table of searches is sorted by, by its flat name.

    `search/p_local/<method>/<window>/<efficiency>` and `search/z/…` alike, `search/limit/…` (observed),
    `search/p_min/<method>`, `search/p_global/<method>`, `search/max_sic/<method>` with `…/low` and `…/high`,
    `search/closure_auc/<method>/<window>`; those of the null twin begin with `search/null/`. What has no result has no
    name.
    """
    found: dict[str, float] = {}
    for method in record.methods:
        found |= _of_method(record, method, PREFIX)
        if method.null is not None:
            found |= _of_method(record, method.null, f"{PREFIX}/null")
        if (best := best_performance(method)) is not None:
            name = f"{PREFIX}/max_sic/{file_name(method.method)}"
            ends = {name: best.max_sic, f"{name}/low": best.max_sic_low, f"{name}/high": best.max_sic_high}
            found |= {key: value for key, value in ends.items() if value is not None}
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _of_method(record: SearchRecord, method: MethodResult, prefix: str) -> dict[str, float]:
    if method.failure:
        return {}
    found: dict[str, float] = {}
    name = file_name(method.method)
    for window, cut in results(method):
        if cut.failure:
            continue
        place = f"{name}/{file_name(window.window)}/{cut.efficiency:g}"
        values = {"p_local": cut.p, "z": cut.z, "limit": cut.limits.get("observed")}
        found |= {f"{prefix}/{kind}/{place}": value for kind, value in values.items() if value is not None}
    for window in method.windows:
        if window.closure is not None:
            found[f"{prefix}/closure_auc/{name}/{file_name(window.window)}"] = window.closure.auc
    if (smallest := smallest_p(record, method)) is not None:
        found[f"{prefix}/p_min/{name}"] = smallest.p
    if (p_global := with_trusted_global(record, method).p_global) is not None:
        found[f"{prefix}/p_global/{name}"] = p_global
    return found


def best_performance(method: MethodResult) -> Performance | None:
    """Return the performance of the window with the largest significance improvement; None where truth is not known."""
    known = [
        window.performance
        for window in method.windows
        if window.performance is not None and window.performance.max_sic is not None
    ]
    return max(known, key=lambda found: found.max_sic or 0.0, default=None)


def write_metrics(directory: Path, record: SearchRecord) -> Path:
    """Write metrics.json of a search in one step."""
    return atomic_write_text(directory / METRICS, json.dumps(search_metrics(record), indent=2) + "\n")
