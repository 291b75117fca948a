"""The table of a sweep: its jobs, read from the directories of their runs, best first, and the mean over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hepad.comparison.rows import Row, auc_name, csv_text, pairs_against, row_of
from hepad.comparison.seeds import SEED, SeedGroup, group_by_seed
from hepad.comparison.trivial import trivial_groups
from hepad.core.errors import UserError
from hepad.pipeline.sweep_record import SweepRecord
from hepad.report import Cell
from hepad.run.executing import best_row
from hepad.rundir.history_file import read_history
from hepad.rundir.record import read_record

OWN_AUC: Final = "AUC vs own background"
"""Columns that stand beside runs of different backgrounds; the mean over the signals where a run has several."""


def read_results(directory: Path, record: SweepRecord) -> list[Row]:
    """The results of all jobs of a sweep, in the order of its record."""
    return [read_result(directory / name, name, record) for name in record.settings]


def read_result(run_dir: Path, name: str, record: SweepRecord) -> Row:
    """The row of one job: its metrics are `val/…` and `train/…` of the checkpoint's epoch, and all of metrics.json.

    What the launcher said of a job counts where its run says nothing better.
    """
    settings, outcome = record.settings[name], record.done.get(name)
    try:
        run = read_record(run_dir)
        columns = read_history(run_dir)
    except UserError as error:
        if outcome is not None and outcome.status != "finished":
            return Row(name, settings, outcome.status, outcome.reason)
        there = (run_dir / "config.yaml").is_file()
        return Row(name, settings, "failed" if there else "not started", str(error) if there else "")
    status, reason = run.status, run.reason or ""
    if outcome is not None and outcome.status != "finished":
        # Also a run that is finished but was refused: it belongs to another config.
        status, reason = outcome.status, outcome.reason or reason
    row = replace(row_of(name, settings, run), status=status, reason=reason)
    if status != "finished":
        return replace(row, metrics={})
    best = best_row(run.config, columns)
    logged = {} if best is None else {key: column[best] for key, column in columns.items() if key != "epoch"}
    return replace(row, metrics={**logged, **run.metrics}, best_epoch=None if best is None else _epoch(columns, best))


def _epoch(columns: Mapping[str, Sequence[float]], row: int) -> int | None:
    epochs = columns.get("epoch", ())
    return int(epochs[row]) if row < len(epochs) and math.isfinite(epochs[row]) else None


@dataclass(frozen=True)
class SweepTable:
    """The rows of a sweep in order.

    Args:
        rows: finished runs by the metric, best first, then those without it.
        swept: the keys that are swept.
        metric: what they are ordered by.
        direction: `minimize` or `maximize`.
        ordered: the runs are ordered by the metric. Where it is not one quantity for all of them, they are not, and
            none is the best.
    """

    rows: Sequence[Row]
    swept: Sequence[str]
    metric: str
    direction: str
    ordered: bool = True

    @property
    def best(self) -> Row | None:
        """The first row, if it is finished and has the metric; None where the runs cannot be ordered."""
        first = self.rows[0] if self.ordered and self.rows else None
        return None if first is None or first.value(self.metric) is None else first

    @property
    def comparable(self) -> bool:
        """True where there is something for `hepad.compare` to compare."""
        return sum(any(name.startswith("test/auc/") for name in row.metrics) for row in self.rows) > 1

    @property
    def backgrounds(self) -> list[str]:
        """The samples that the runs were trained on; with more than one, no run is the best."""
        return list(dict.fromkeys(row.background for row in self.rows if row.background is not None))

    @property
    def aucs(self) -> list[str]:
        """The metrics that hold the AUC of each signal against the training background."""
        if len(self.backgrounds) < 2:
            return [auc_name(*pair) for name in self.backgrounds for pair in pairs_against(self.rows, name)]
        names = [auc_name(*pair) for pair in pairs_against(self.rows, "own")]
        # With one signal each, the mean says it all.
        return names if any(sum(name in row.metrics for name in names) > 1 for row in self.rows) else []

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
        short = {
            name: f"AUC {name.removeprefix('test/auc/').split('_vs_')[0]}" for name in self.areas if name != OWN_AUC
        }
        found = list(short.values())
        return {name: short[name] if found.count(short.get(name, "")) == 1 else name for name in self.numbers}


def make_table(
    results: Sequence[Row], swept: Sequence[str], metric: str, direction: str, ordered: bool = True
) -> SweepTable:
    """Order the results: by the metric, best first; those without it stay in their order at the end.

    Runs of different backgrounds are not ordered, and shown with their AUCs against their own, by the metric `OWN_AUC`;
    nor are others unless `ordered`.
    """
    table = SweepTable(results, list(swept), metric, direction, ordered)
    if len(table.backgrounds) > 1:
        return SweepTable([_with_own_auc(result) for result in results], table.swept, OWN_AUC, "maximize", False)
    if not ordered:
        return table
    sign = -1 if direction == "maximize" else 1
    values = {result.name: result.value(metric) for result in results}
    place = {name: (value is None, sign * (value or 0.0)) for name, value in values.items()}
    return replace(table, rows=sorted(results, key=lambda result: place[result.name]))


def _with_own_auc(result: Row) -> Row:
    """Return a result with each AUC against its own background under the same name for all runs."""
    pairs = pairs_against([result], str(result.background))
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


def seed_means(table: SweepTable) -> list[SeedGroup]:
    """Mean and spread over the seeds of every other setting, ordered as the runs; empty where only one seed was run."""
    rows = [row for row in table.rows if row.status == "finished" and row.value(table.metric) is not None]
    groups = group_by_seed(rows, table.numbers) if SEED in table.swept else []
    sign = 0 if not table.ordered else -1 if table.direction == "maximize" else 1
    return sorted(groups, key=lambda group: sign * group.means[table.metric])


def trivial_scores(table: SweepTable) -> list[tuple[str, dict[str, Cell]]]:
    """Return a title and metric → AUC of the best trivial score with its name, for each group of runs that share them.

    Runs of different backgrounds have their mean over the signals instead, under `OWN_AUC`.
    """
    found: list[tuple[str, dict[str, Cell]]] = []
    alone = len(table.backgrounds) == 1
    for background in table.backgrounds:
        rows = [row for row in table.rows if row.background == background]
        for group in trivial_groups(rows, pairs_against(rows, background), alone=alone):
            found.append((group.title, {**group.best} if alone else {OWN_AUC: group.mean_best(group.best)}))
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
