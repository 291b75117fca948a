"""Trivial scores of several runs: those tested on the same entries have the same, and share one row of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepad.metrics.verdict import PairResult, pair_result, trivial_aucs

Pair = tuple[str, str]


@dataclass(frozen=True)
class TrivialGroup:
    """Runs whose trivial scores are the same.

    Attributes:
        runs: their labels, in order.
        best: (signal, reference) → the result of the first of them, for the best trivial score of each pair.
        aucs: (signal, reference) → trivial score → AUC.
    """

    runs: Sequence[str]
    best: Mapping[Pair, PairResult]
    aucs: Mapping[Pair, Mapping[str, float]]

    @property
    def names(self) -> list[str]:
        """Names of all its trivial scores, in their order."""
        return list(dict.fromkeys(name for of_pair in self.aucs.values() for name in of_pair))

    def mean_best(self, pairs: Sequence[Pair]) -> float | None:
        """The mean AUC of the best trivial scores of pairs; None where one of them has none."""
        known = [value for pair in pairs if pair in self.best and (value := self.best[pair].trivial_auc) is not None]
        return sum(known) / len(known) if known and len(known) == len(pairs) else None


def trivial_groups(
    runs: Mapping[str, Mapping[str, float]], pairs: Sequence[Pair], matched: bool = False
) -> list[TrivialGroup]:
    """Return the groups of runs with the same trivial scores, those without any left out.

    Args:
        runs: label → flat metrics.
        pairs: (signal, reference) to look at.
        matched: at equal Σ pT.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    aucs = {run: {pair: trivial_aucs(metrics, *pair, matched) for pair in pairs} for run, metrics in runs.items()}
    for run, found in aucs.items():
        key = tuple((pair, name, round(value, 9)) for pair in pairs for name, value in sorted(found[pair].items()))
        if key:
            groups.setdefault(key, []).append(run)
    return [
        TrivialGroup(
            members,
            {
                pair: result
                for pair in pairs
                if (result := pair_result(runs[members[0]], *pair, matched)) is not None and result.trivial is not None
            },
            aucs[members[0]],
        )
        for members in groups.values()
    ]
