"""Runs of a comparison that differ in their seed only: what a kind of model reaches, and how far it scatters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepad.comparison.compare import Comparison
from hepad.comparison.differences import spelled
from hepad.metrics.seeds import SeedMean, mean_over_seeds
from hepad.report import Cell, Difference, Interval, Table


@dataclass(frozen=True, eq=False)
class SeedGroup:
    """Runs with the same settings but the seed, and the mean of their AUCs (`test/auc/<signal>_vs_<reference>`)."""

    runs: Sequence[str]
    mean: SeedMean

    @property
    def name(self) -> str:
        """The settings that it does not share with all other groups; the first run where there are none."""
        return spelled(self.mean.settings) or self.runs[0]


def seed_groups(comparison: Comparison) -> list[SeedGroup]:
    """Return all runs by their settings but the seed, in order; empty where no two differ in the seed alone."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for run, record in comparison.records.items():
        others = tuple((key, value) for key, value in comparison.settings[run].items() if key != "seed")
        groups.setdefault((record.background, others), []).append(run)
    seeds = {run: record.config.get("seed") for run, record in comparison.records.items()}
    if not any(len({seeds[run] for run in runs}) > 1 for runs in groups.values()):
        return []
    return [_group(comparison, runs) for runs in groups.values()]


def _group(comparison: Comparison, runs: Sequence[str]) -> SeedGroup:
    aucs: dict[str, dict[str, float | None]] = {run: {} for run in runs}
    for pair_auc in comparison.aucs:
        if pair_auc.run in aucs:
            aucs[pair_auc.run][f"test/auc/{pair_auc.signal}_vs_{pair_auc.reference}"] = pair_auc.auc
    settings = {key: value for key, value in comparison.settings[runs[0]].items() if key != "seed"}
    return SeedGroup(runs, mean_over_seeds(settings, list(aucs.values())))


def spreads_beside(comparison: Comparison, reference: str) -> dict[str, list[float | None]]:
    """Return what stands beside AUCs and their intervals where runs differ in their seed only.

    The interval of a run is about the entries that were tested, and knows nothing of how the training would go with
    another seed.

    Args:
        comparison: of the runs.
        reference: on the background side.

    Returns:
        What is spread, in words → the standard deviation between seeds for each signal; empty without such runs.
    """
    names = [f"test/auc/{signal}_vs_{reference}" for signal in comparison.signals(reference)]
    return {
        f"± over {group.mean.n} seeds, {group.name}": [group.mean.spreads.get(name) for name in names]
        for group in seed_groups(comparison)
        if any(name in group.mean.spreads for name in names)
    }


def seed_tables(comparison: Comparison, groups: Sequence[SeedGroup]) -> list[Table]:
    """Mean AUC over seeds with the spread between them, and its difference to the group of the baseline run."""
    base = next(group for group in groups if comparison.baseline in group.runs)
    tables = []
    for reference in comparison.references:
        signals = comparison.signals(reference)
        names = [f"test/auc/{signal}_vs_{reference}" for signal in signals]
        means: list[list[Cell]] = [
            [group.name, group.mean.n, *(_mean(group.mean, name) for name in names)] for group in groups
        ]
        tables.append(
            Table(
                ["Runs that differ in the seed only", "Runs", *signals],
                means,
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
                    ["Runs that differ in the seed only", *signals],
                    differences,
                    f"Mean AUC against {reference} minus that of {base.name}; in brackets its standard error from the "
                    "spread between seeds. A difference below about twice its error may turn around with other seeds; "
                    "with two or three of them the error itself is rough.",
                )
            )
    return tables


def _mean(mean: SeedMean, name: str) -> Cell:
    value, spread = mean.means.get(name), mean.spreads.get(name)
    return value if value is None or spread is None else Interval(value, value - spread, value + spread)


def _difference(mean: SeedMean, base: SeedMean, name: str) -> Cell:
    if name not in mean.errors or name not in base.errors:
        return None
    return Difference(mean.means[name] - base.means[name], math.hypot(mean.errors[name], base.errors[name]))


def as_plain(groups: Sequence[SeedGroup]) -> list[Mapping[str, object]]:
    """Return the groups as plain JSON values."""
    return [
        {"runs": list(group.runs), "mean": dict(group.mean.means), "spread": dict(group.mean.spreads)}
        for group in groups
    ]
