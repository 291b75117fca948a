"""The runs of a table beside scores that need no model; those tested on the same entries share them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hepad.comparison.rows import Columns, Pair, Row, auc_name
from hepad.metrics import read_verdict, trivial_title
from hepad.metrics.verdict import SIGNIFICANT, trivial_aucs
from hepad.report import Named

BETTER: Final = "Better than trivial"
BETTER_CAPTION: Final = (
    f"{BETTER}: on how many signals a run is better than the best score that needs no model (in brackets: "
    f"p < {SIGNIFICANT:g})."
)
_SHOWN: Final = 3


@dataclass(frozen=True, eq=False)
class TrivialGroup:
    """Runs whose trivial scores are the same.

    Attributes:
        runs: their names, in order.
        title: of their best trivial score; it names them unless these are all runs of the table.
        aucs: metric of an AUC → trivial score → its AUC for the same pair.
    """

    runs: Sequence[str]
    title: str
    aucs: Mapping[str, Mapping[str, float]]

    @property
    def best(self) -> dict[str, Named]:
        """Metric → the largest AUC of a trivial score, with its name."""
        best = {name: max(found, key=found.__getitem__) for name, found in self.aucs.items() if found}
        return {name: Named(self.aucs[name][trivial], trivial_title(trivial)) for name, trivial in best.items()}

    def mean_best(self, names: Collection[str]) -> float | None:
        """The mean AUC of the best trivial scores; None where one of the metrics has none."""
        known = [cell.value for name, cell in self.best.items() if name in names]
        return sum(known) / len(known) if known and len(known) == len(names) else None

    @property
    def each(self) -> dict[str, dict[str, float]]:
        """Title of every trivial score → metric → its AUC."""
        names = dict.fromkeys(trivial for found in self.aucs.values() for trivial in found)
        return {
            trivial_title(trivial): {name: found[trivial] for name, found in self.aucs.items() if trivial in found}
            for trivial in names
        }


def trivial_groups(
    rows: Iterable[Row], pairs: Sequence[Pair], matched: bool = False, alone: bool = True
) -> list[TrivialGroup]:
    """Return the groups of runs with the same trivial scores, those without any left out.

    Args:
        rows: the runs.
        pairs: (signal, reference) to look at.
        matched: at equal loudness.
        alone: these are all runs of the table.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    aucs = {}
    for row in rows:
        aucs[row.name] = {auc_name(*pair, matched): trivial_aucs(row.metrics, *pair, matched) for pair in pairs}
        key = tuple(
            (name, trivial, round(value, 9))
            for name, found in aucs[row.name].items()
            for trivial, value in sorted(found.items())
        )
        if key:
            groups.setdefault(key, []).append(row.name)
    made = []
    for runs in groups.values():
        more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
        whose = "" if alone and len(groups) == 1 else f" of {', '.join(runs[:_SHOWN])}{more}"
        made.append(TrivialGroup(runs, f"best trivial score{whose}", aucs[runs[0]]))
    return made


def verdict_cell(metrics: Mapping[str, float], reference: str | None, matched: bool = False) -> str | None:
    """Return on how many signals a run is better than the best trivial score; None where that is not known."""
    found = None if reference is None else read_verdict(metrics, reference, matched)
    return None if found is None else found.short


def better_column(rows: Iterable[Row], reference: Callable[[Row], str | None], matched: bool = False) -> Columns:
    """Return a column of the verdicts on the runs; none where no run has one.

    Args:
        rows: all runs of the table.
        reference: what a run is judged against.
        matched: at equal loudness.
    """

    def told(row: Row) -> str | None:
        return verdict_cell(row.metrics, reference(row), matched)

    return {"verdict": (BETTER, told)} if any(map(told, rows)) else {}
