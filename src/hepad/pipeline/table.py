"""The table of a sweep: best first, its columns, and the mean over seeds."""

import csv
import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hepad.metrics.seeds import SeedMean, mean_over_seeds
from hepad.pipeline.results import JobResult

SEED = "seed"
OWN_AUC: Final = "AUC vs own background"
"""What stands beside runs of different backgrounds; the mean over the signals where a run has several."""


@dataclass(frozen=True)
class SweepTable:
    """The results of a sweep in order.

    Args:
        rows: finished runs by the metric, best first, then those without it.
        swept: the keys that are swept.
        metric: what they are ordered by.
        direction: `minimize` or `maximize`.
        aucs: names of the metrics that hold the AUC of each signal against the training background.
        backgrounds: the samples that the runs were trained on. With more than one no run is the best: neither losses
            nor AUCs are one quantity. The rows are then in the order of the jobs, and the metric is `OWN_AUC`.
        ordered: the runs are ordered by the metric. Where it is not one quantity for all of them, they are not, and
            none is the best.
    """

    rows: Sequence[JobResult]
    swept: Sequence[str]
    metric: str
    direction: str
    aucs: Sequence[str]
    backgrounds: Sequence[str] = ()
    ordered: bool = True

    @property
    def best(self) -> JobResult | None:
        """The first row, if it is finished and has the metric; None where the runs cannot be ordered."""
        if not self.ordered:
            return None
        return self.rows[0] if self.rows and self.rows[0].value(self.metric) is not None else None

    @property
    def comparable(self) -> bool:
        """Whether there is something for `hepad.compare` to compare."""
        return sum(row.scored for row in self.rows) > 1

    @property
    def numbers(self) -> list[str]:
        """The metrics shown, the one ordered by first."""
        losses = [] if len(self.backgrounds) > 1 else ["val/loss"]
        return list(dict.fromkeys([self.metric, *losses, *self.aucs]))


def make_table(
    results: Sequence[JobResult], swept: Sequence[str], metric: str, direction: str, ordered: bool = True
) -> SweepTable:
    """Order the results: by the metric, best first; those without it stay in their order at the end.

    Runs of different backgrounds are not ordered, and shown with their AUCs against their own; nor are others unless
    `ordered`.
    """
    backgrounds = list(dict.fromkeys(result.background for result in results if result.background is not None))
    if len(backgrounds) > 1:
        rows = [_with_own_auc(result) for result in results]
        names = sorted({name for row in rows for name in row.metrics if name.endswith("_vs_own")})
        # With one signal each, the mean says it all.
        several = any(sum(name in row.metrics for name in names) > 1 for row in rows)
        return SweepTable(rows, list(swept), OWN_AUC, "maximize", names if several else [], backgrounds, False)
    known = [result for result in results if result.value(metric) is not None]
    others = [result for result in results if result.value(metric) is None]
    if ordered:
        known.sort(key=lambda result: result.value(metric) or 0.0, reverse=direction == "maximize")
    aucs = dict.fromkeys(
        name
        for result in results
        for name in result.metrics
        if name.startswith("test/auc/") and name.endswith(f"_vs_{result.background}")
    )
    rows = [*known, *others] if ordered else list(results)
    return SweepTable(rows, list(swept), metric, direction, sorted(aucs), backgrounds, ordered)


def pair_of(name: str, background: str) -> tuple[str, str]:
    """Return signal and reference of a metric `test/auc/<signal>_vs_<background>`."""
    return name.removeprefix("test/auc/").removesuffix(f"_vs_{background}"), background


def _with_own_auc(result: JobResult) -> JobResult:
    """Return a result with each AUC against its own background under the same name for all runs."""
    start, end = "test/auc/", f"_vs_{result.background}"
    areas = {name: value for name, value in result.metrics.items() if name.startswith(start) and name.endswith(end)}
    if not areas:
        return result
    own = {OWN_AUC: statistics.fmean(areas.values())}
    for name in areas:
        for bound in ("", "/low", "/high"):
            if (value := result.metrics.get(name + bound)) is not None:
                own[f"{name.removesuffix(end)}_vs_own{bound}"] = value
                if len(areas) == 1:
                    own[f"{OWN_AUC}{bound}"] = value
    return replace(result, metrics={**result.metrics, **own})


def seed_means(table: SweepTable) -> list[SeedMean]:
    """Mean and spread over the seeds of every other setting, ordered as the runs; empty where only one seed was run."""
    groups: dict[tuple[tuple[str, str], ...], list[JobResult]] = {}
    for row in table.rows:
        if row.status == "finished" and row.value(table.metric) is not None:
            groups.setdefault(tuple((k, v) for k, v in row.settings.items() if k != SEED), []).append(row)
    if SEED not in table.swept or all(len(group) < 2 for group in groups.values()):
        return []
    means = [
        mean_over_seeds(dict(settings), [{name: row.value(name) for name in table.numbers} for row in group])
        for settings, group in groups.items()
    ]
    if not table.ordered:
        return means
    sign = -1 if table.direction == "maximize" else 1
    return sorted(means, key=lambda mean: sign * mean.means[table.metric])


def to_csv(table: SweepTable) -> str:
    """The table as CSV: job, status, settings, validation metrics, AUCs with their intervals, cost, reason."""
    logged = sorted({name for row in table.rows for name in row.metrics if name.startswith(("val/", "train/"))})
    areas = [f"{name}{end}" for name in table.aucs for end in ("", "/low", "/high")]
    names = list(dict.fromkeys([table.metric, *logged, *areas]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    costs = ("epochs", "best_epoch", "seconds", "parameters")
    writer.writerow(["job", "status", *table.swept, *names, *costs, "reason"])
    for row in table.rows:
        cells = [row.name, row.status, *(row.settings.get(key, "") for key in table.swept)]
        cells += [_plain(row.metrics.get(name)) for name in names]
        writer.writerow([*cells, *(_plain(getattr(row, cost)) for cost in costs), row.reason])
    return text.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None else repr(value)
