"""Mean and spread over runs that differ in nothing but their seed."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SeedMean:
    """Runs that differ in their seed only.

    Args:
        settings: what they share.
        n: how many there are.
        means: metric → mean over them.
        spreads: metric → standard deviation between them (n − 1 in the denominator), where two or more have it.
        errors: metric → standard error of the mean, the spread over √n.
    """

    settings: Mapping[str, str]
    n: int
    means: Mapping[str, float]
    spreads: Mapping[str, float]
    errors: Mapping[str, float]


def mean_over_seeds(settings: Mapping[str, str], runs: Sequence[Mapping[str, float | None]]) -> SeedMean:
    """Sum up runs; a metric that some lack is that of the others.

    Args:
        settings: what the runs share.
        runs: metric → value of each run, None where it has none.
    """
    means, spreads, errors = {}, {}, {}
    for name in dict.fromkeys(name for run in runs for name in run):
        values = [value for run in runs if (value := run.get(name)) is not None]
        if values:
            means[name] = statistics.fmean(values)
        if len(values) > 1:
            spreads[name] = statistics.stdev(values)
            errors[name] = spreads[name] / math.sqrt(len(values))
    return SeedMean(settings, len(runs), means, spreads, errors)
