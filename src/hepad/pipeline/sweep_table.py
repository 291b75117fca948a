"""The table of a sweep: best first, its columns, and the mean over seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hepad.comparison.rows import auc_name, csv_text, pairs_against, trivial_rows
from hepad.comparison.seeds import SEED, group_by_seed
from hepad.metrics.seeds import SeedMean
from hepad.pipeline.results import JobResult
from hepad.report import Cell

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
    def finished(self) -> bool:
        """Whether all of its jobs are."""
        return all(row.status == "finished" for row in self.rows)

    @property
    def numbers(self) -> list[str]:
        """The metrics shown, the one ordered by first."""
        losses = [] if len(self.backgrounds) > 1 else ["val/loss"]
        return list(dict.fromkeys([self.metric, *losses, *self.aucs]))

    @property
    def areas(self) -> list[str]:
        """The metrics shown that are AUCs."""
        return [name for name in self.numbers if name == OWN_AUC or name.startswith("test/auc/")]

    @property
    def titles(self) -> dict[str, str]:
        """Metric → title of its column: of an AUC the signal, where no other column has it."""
        short = {name: f"AUC {name.removeprefix('test/auc/').split('_vs_')[0]}" for name in self.areas if name != OWN_AUC}
        found = list(short.values())
        return {name: short[name] if found.count(short.get(name, "")) == 1 else name for name in self.numbers}


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
        names = [auc_name(*pair) for pair in pairs_against({name for row in rows for name in row.metrics}, "own")]
        # With one signal each, the mean says it all.
        several = any(sum(name in row.metrics for name in names) > 1 for row in rows)
        return SweepTable(rows, list(swept), OWN_AUC, "maximize", names if several else [], backgrounds, False)
    known = [result for result in results if result.value(metric) is not None]
    others = [result for result in results if result.value(metric) is None]
    if ordered:
        known.sort(key=lambda result: result.value(metric) or 0.0, reverse=direction == "maximize")
    names = {name for result in results for name in result.metrics}
    aucs = [auc_name(*pair) for background in backgrounds for pair in pairs_against(names, background)]
    rows = [*known, *others] if ordered else list(results)
    return SweepTable(rows, list(swept), metric, direction, aucs, backgrounds, ordered)


def _with_own_auc(result: JobResult) -> JobResult:
    """Return a result with each AUC against its own background under the same name for all runs."""
    pairs = pairs_against(result.metrics, str(result.background))
    if not pairs:
        return result
    own = {OWN_AUC: statistics.fmean(result.metrics[auc_name(*pair)] for pair in pairs)}
    for signal, reference in pairs:
        for bound in ("", "/low", "/high"):
            if (value := result.metrics.get(auc_name(signal, reference) + bound)) is not None:
                own[auc_name(signal, "own") + bound] = value
                if len(pairs) == 1:
                    own[OWN_AUC + bound] = value
    return replace(result, metrics={**result.metrics, **own})


def seed_means(table: SweepTable) -> list[SeedMean]:
    """Mean and spread over the seeds of every other setting, ordered as the runs; empty where only one seed was run."""
    rows = [row for row in table.rows if row.status == "finished" and row.value(table.metric) is not None]
    if SEED not in table.swept:
        return []
    means = [group.mean for group in group_by_seed(rows, table.numbers)]
    sign = 0 if not table.ordered else -1 if table.direction == "maximize" else 1
    return sorted(means, key=lambda mean: sign * mean.means[table.metric])


def trivial_scores(table: SweepTable) -> list[tuple[str, dict[str, Cell]]]:
    """Return a title and metric → AUC of the best trivial score with its name, for each group of runs that share them.

    Runs of different backgrounds have their mean over the signals instead, under `OWN_AUC`.
    """
    found: list[tuple[str, dict[str, Cell]]] = []
    alone = len(table.backgrounds) == 1
    for background in table.backgrounds:
        rows = [row for row in table.rows if row.background == background]
        pairs = pairs_against({name for row in rows for name in row.metrics}, background)
        for title, group, cells in trivial_rows(rows, pairs, alone=alone):
            found.append((title, cells if alone else {OWN_AUC: group.mean_best([p for p in pairs if p in group.best])}))
    return found


def to_csv(table: SweepTable) -> str:
    """The table as CSV: job, status, settings, validation metrics, AUCs with their intervals, cost, reason."""
    logged = sorted({name for row in table.rows for name in row.metrics if name.startswith(("val/", "train/"))})
    aucs = [f"{name}{end}" for name in table.aucs for end in ("", "/low", "/high")]
    names = list(dict.fromkeys([table.metric, *logged, *aucs]))
    rows: list[dict[str, Any]] = [
        {
            "job": row.name,
            "status": row.status,
            **{key: row.settings.get(key) for key in table.swept},
            **{name: row.metrics.get(name) for name in names},
            **{cost: getattr(row, cost) for cost in ("epochs", "best_epoch", "seconds", "parameters")},
            "reason": row.reason,
        }
        for row in table.rows
    ]
    return csv_text(rows)
