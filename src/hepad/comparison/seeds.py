"""Runs that differ in their seed only: what a kind of model reaches, and how far it scatters."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hepad.comparison.compare import Comparison
from hepad.comparison.differences import spelled
from hepad.comparison.rows import Row, auc_name
from hepad.report import Cell, Difference, Table, interval

SEED: Final = "seed"
_TITLE: Final = "Runs that differ in the seed only"


@dataclass(frozen=True, eq=False)
class SeedGroup:
    """Runs that differ in nothing but their seed.

    Attributes:
        runs: their names.
        settings: what they share, and others do not.
        means: metric → mean over those that have it.
        spreads: metric → standard deviation between them (n − 1 in the denominator), where two or more have it.
        errors: metric → standard error of the mean, the spread over √n.
    """

    runs: Sequence[str]
    settings: Mapping[str, str]
    means: Mapping[str, float]
    spreads: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def n(self) -> int:
        """Number of runs."""
        return len(self.runs)

    @property
    def name(self) -> str:
        """The settings that it does not share with all other groups; the first run where there are none."""
        return spelled(self.settings) or self.runs[0]


def group_by_seed(rows: Iterable[Row], names: Iterable[str]) -> list[SeedGroup]:
    """Return all runs by their settings but the seed, in order; empty where no two differ in the seed alone.

    Args:
        rows: the runs.
        names: of the metrics to take the mean of.
    """
    groups: dict[tuple[str | None, tuple[tuple[str, str], ...]], list[Row]] = {}
    for row in rows:
        others = tuple((key, value) for key, value in row.settings.items() if key != SEED)
        groups.setdefault((row.background, others), []).append(row)
    if not any(len({row.settings.get(SEED) for row in group}) > 1 for group in groups.values()):
        return []
    return [_summed_up(group, dict(others), names) for (_, others), group in groups.items()]


def _summed_up(rows: Sequence[Row], settings: Mapping[str, str], names: Iterable[str]) -> SeedGroup:
    values = {name: [value for row in rows if (value := row.value(name)) is not None] for name in names}
    means = {name: statistics.fmean(known) for name, known in values.items() if known}
    spreads = {name: statistics.stdev(known) for name, known in values.items() if len(known) > 1}
    errors = {name: spread / math.sqrt(len(values[name])) for name, spread in spreads.items()}
    return SeedGroup([row.name for row in rows], settings, means, spreads, errors)


def means_table(
    groups: Sequence[SeedGroup], told: Mapping[str, Sequence[Cell]], names: Mapping[str, str], caption: str
) -> Table:
    """Return means over seeds, each with the standard deviation of one run.

    Args:
        groups: one for each row.
        told: title → cell of each row, before the number of runs.
        names: metric → title.
        caption: what the numbers are.
    """

    def mean(group: SeedGroup, name: str) -> Cell:
        value, spread = group.means.get(name), group.spreads.get(name)
        return value if value is None or spread is None else interval(value, value - spread, value + spread)

    rows = [
        [*(cells[i] for cells in told.values()), group.n, *(mean(group, name) for name in names)]
        for i, group in enumerate(groups)
    ]
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
        f"± over {group.n} seeds, {group.name}": {name: group.spreads[name] for name in names if name in group.spreads}
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
                groups,
                {_TITLE: [group.name for group in groups]},
                names,
                f"Mean AUC against {reference} over the seeds; in brackets the standard deviation of one run, in the "
                "last digits.",
            )
        )
        differences: list[list[Cell]] = [
            [group.name, *(_difference(group, base, name) for name in names)] for group in groups if group is not base
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


def _difference(group: SeedGroup, base: SeedGroup, name: str) -> Cell:
    if name not in group.errors or name not in base.errors:
        return None
    return Difference(group.means[name] - base.means[name], math.hypot(group.errors[name], base.errors[name]))
