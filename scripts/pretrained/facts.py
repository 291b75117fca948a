"""Facts of a scorer's folder, as its card and the tables of all scorers tell them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scripts.pretrained.shipped import Shipped

from hepad.bundled import bundled_files
from hepad.core.files import file_sha256
from hepad.metrics import PairResult, pair_result
from hepad.metrics.verdict import judged_signals
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.record import read_record
from hepad.rundir.thresholds_file import read_thresholds

CARD: Final = "README.md"
_VERDICT: Final = "test/verdict/vs_"


class Facts:
    """Content of a scorer's folder.

    Args:
        folder: of the scorer.
        shipped: the scorer.
    """

    def __init__(self, folder: Path, shipped: Shipped) -> None:
        self.folder = folder
        self.shipped = shipped
        self.metrics = read_metrics(folder)
        self.provenance: Mapping[str, Any] = read_provenance(folder)
        self.record = read_record(folder)
        self.background = str(self.provenance["background"])
        self.thresholds = read_thresholds(folder)

    @property
    def data(self) -> str:
        """The data set, as in `data=calo`."""
        return self.shipped.name.partition("/")[2]

    def pairs(self, matched: bool = False) -> list[PairResult]:
        """Return the results of all signals against the background that trained."""
        names = (sample for sample in self.provenance["data"] if sample != self.background)
        found = (pair_result(self.metrics, sample, self.background, matched) for sample in names)
        return [pair for pair in found if pair is not None]

    @property
    def headline(self) -> PairResult:
        """The signal that a verdict counts on which the scorer is ahead of the best trivial score by most."""
        pairs = {pair.signal: pair for pair in self.pairs()}
        references = {name.removeprefix(_VERDICT).split("/")[0] for name in self.metrics if name.startswith(_VERDICT)}
        counted = judged_signals(list(pairs), sorted(references))
        return max((pairs[signal] for signal in counted), key=lambda pair: pair.difference or 0.0)

    @property
    def files(self) -> list[Path]:
        """Every file of the folder but its card."""
        return [path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.name != CARD]

    @property
    def size(self) -> str:
        """Size of the folder in words."""
        size = sum(path.stat().st_size for path in self.files)
        return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"

    def unknown_samples(self) -> list[str]:
        """Return samples whose file is none of those that ship now."""
        known = {file_sha256(path) for path in bundled_files().values()}
        return [sample for sample, its in self.provenance["data"].items() if its["sha256"] not in known]


def line_of(facts: Facts) -> str:
    """Return what a scorer is in one line."""
    best = facts.headline
    trivial = "" if best.trivial is None else f" (best trivial score {best.trivial_auc:.3f})"
    told = f"background {facts.background}, AUC of {best.signal} {best.auc:.3f}{trivial}"
    return f"{facts.shipped.title}; {told}, {facts.size}"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)
