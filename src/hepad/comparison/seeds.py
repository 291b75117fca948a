"""Runs that differ in their seed only: what a kind of model reaches, and how far it scatters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hepad.comparison.compare import Comparison
from hepad.comparison.differences import spelled
from hepad.comparison.rows import Row, auc_name, finite
from hepad.metrics.seeds import SeedMean, mean_over_seeds
from hepad.report import Cell, Difference, Table, interval

SEED: Final = "seed"
_TITLE: Final = "Runs that differ in the seed only"


@dataclass(frozen=True, eq=False)
class SeedGroup:
    """Runs with the same settings but the seed, and the mean of their metrics."""

    runs: Sequence[str]
    mean: SeedMean

    @property
    def name(self) -> str:
        """The settings that it does not share with all other groups; the first run where there are none."""
        return spelled(self.mean.settings) or self.runs[0]


def group_by_seed(rows: Sequence[Row], names: Sequence[str]) -> list[SeedGroup]:
    """Return all runs by their settings but the seed, in order; empty where no two differ in the seed alone.

    Args:
        rows: the runs.
        names: of the metrics to take the mean of; one that is no number is that of the other runs.
    """
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        others = tuple((key, value) for key, value in row.settings.items() if key != SEED)
        groups.setdefault((row.background, others), []).append(row)
    if not any(len({row.settings.get(SEED) for row in group}) > 1 for group in groups.values()):
        return []
    return [
        SeedGroup(
            [row.name for row in group],
            mean_over_seeds(
                {key: value for key, value in group[0].settings.items() if key != SEED},
                [{name: finite(row.metrics, name) for name in names} for row in group],
            ),
        )
        for group in groups.values()
    ]


def means_table(
    means: Sequence[SeedMean], told: Mapping[str, Sequence[Cell]], names: Mapping[str, str], caption: str
) -> Table:
    """Return means over seeds, each with the standard deviation of one run.

    Args:
        means: one for each row.
        told: title → cell of each row, before the number of runs.
        names: metric → title.
        caption: what the numbers are.
    """
    rows: list[list[Cell]] = []
    for i, mean in enumerate(means):
        numbers = []
        for name in names:
            value, spread = mean.means.get(name), mean.spreads.get(name)
            ends = (None, None) if value is None or spread is None else (value - spread, value + spread)
            numbers.append(interval(value, *ends))
        rows.append([*(cells[i] for cells in told.values()), mean.n, *numbers])
    return Table([*told, "Runs", *names.values()], rows, caption)


def seed_groups(comparison: Comparison) -> list[SeedGroup]:
    """Return the runs of a comparison by their settings but the seed, with the means of their AUCs."""
    return group_by_seed(
        comparison.rows, list(dict.fromkeys(auc_name(pair.signal, pair.reference) for pair in comparison.aucs))
    )


def spreads_beside(comparison: Comparison, reference: str) -> dict[str, dict[str, float]]:
    """Return what stands beside AUCs and their intervals where runs differ in their seed only.

    The interval of a run is about the entries that were tested, and knows nothing of how the training would go with
    another seed.

    Args:
        comparison: of the runs.
        reference: on the background side.

    Returns:
        What is spread, in words → metric → standard deviation between seeds; empty without such runs.
    """
    names = [auc_name(signal, reference) for signal in comparison.signals(reference)]
    found = {
        f"± over {group.mean.n} seeds, {group.name}": {
            name: group.mean.spreads[name] for name in names if name in group.mean.spreads
        }
        for group in seed_groups(comparison)
    }
    return {title: spreads for title, spreads in found.items() if spreads}


def seed_tables(comparison: Comparison, groups: Sequence[SeedGroup]) -> list[Table]:
    """Mean AUC over seeds with the spread between them, and its difference to the group of the baseline run."""
    base = next(group for group in groups if comparison.baseline in group.runs)
    tables = []
    for reference in comparison.references:
        names = {auc_name(signal, reference): signal for signal in comparison.signals(reference)}
        tables.append(
            means_table(
                [group.mean for group in groups],
                {_TITLE: [group.name for group in groups]},
                names,
                f"Mean AUC against {reference} over the seeds; in brackets the standard deviation of one run, in the "
                "last digits.",
            )
        )
        differences: list[list[Cell]] = [
            [group.name, *(_difference(group.mean, base.mean, name) for name in names)]
            for group in groups
            if group is not base
        ]
        if differences:
            tables.append(
                Table(
                    [_TITLE, *names.values()],
                    differences,
                    f"Mean AUC against {reference} minus that of {base.name}; in brackets its standard error from the "
                    "spread between seeds. A difference below about twice its error may turn around with other seeds; "
                    "with two or three of them the error itself is rough.",
                )
            )
    return tables


def _difference(mean: SeedMean, base: SeedMean, name: str) -> Cell:
    if name not in mean.errors or name not in base.errors:
        return None
    return Difference(mean.means[name] - base.means[name], math.hypot(mean.errors[name], base.errors[name]))
