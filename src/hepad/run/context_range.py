"""Range of the context that a run was trained on, and remarks on entries outside: there a model extrapolates."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.data import AnomalyDataModule, Entries

CONTEXT_RANGE: Final = "context_range"
"""Key of provenance.json."""

_MARGIN: Final = 0.01
"""Share of the width of a range by which its ends may be passed: of other entries of one truth a few do so."""


def context_range_facts(data: AnomalyDataModule) -> dict[str, list[float]] | None:
    """Return name → smallest and largest value of each observable of the context over what trains; None without one."""
    context = data.train_entries.batch.context
    if context is None or not len(context):
        return None
    low, high = context.amin(dim=0).tolist(), context.amax(dim=0).tolist()
    return {name: [low[i], high[i]] for i, name in enumerate(data.context_names)}


def context_remarks(facts: Mapping[str, Any], data: AnomalyDataModule) -> list[str]:
    """Return a remark on each tested sample of which entries have another context than was trained on.

    Args:
        facts: provenance of the run.
        data: what is tested.
    """
    found = []
    for name, entries in data.test_entries.items():
        seen = ContextRange(facts)
        seen.add(None if entries.batch.context is None else entries.batch.context.numpy())
        found += seen.remarks(name)
    return found


class ContextRange:
    """Count of entries whose context lies outside what a run was trained on, by more than 1% of the range's width.

    Args:
        facts: provenance of the run; older ones say nothing of it, and no entry is outside.

    Attributes:
        n: entries seen.

    >>> import numpy as np
    >>> from hepad.run.context_range import ContextRange
    >>> seen = ContextRange({"context": ["incident_energy"], "context_range": {"incident_energy": [10.0, 100.0]}})
    >>> seen.add(np.array([[5.0], [50.0], [200.0]]))
    >>> seen.remarks("mine")
    ['mine: incident_energy of 2 of 3 entries is outside 10 to 100, the range trained on; there a model extrapolates']
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        known = facts.get(CONTEXT_RANGE) or {}
        names = facts.get("context") or []
        self._limits = {name: (i, *known[name]) for i, name in enumerate(names) if len(known.get(name, ())) == 2}
        self._outside = dict.fromkeys(self._limits, 0)
        self.n = 0

    def add(self, context: NDArray[Any] | None) -> None:
        """Count rows of a context `(N, K)`."""
        if context is None:
            return
        self.n += len(context)
        for name, (i, low, high) in self._limits.items():
            values = np.asarray(context)[:, i]
            margin = _MARGIN * (high - low)
            self._outside[name] += int(((values < low - margin) | (values > high + margin)).sum())

    def join(self, other: "ContextRange") -> None:
        """Count what another has seen, of the same run."""
        self.n += other.n
        for name, outside in other._outside.items():
            self._outside[name] += outside

    def watched(self, parts: Iterator[Entries]) -> Iterator[Entries]:
        """Yield parts of a file, and count those of each."""
        for part in parts:
            self.add(None if part.batch.context is None else part.batch.context.numpy())
            yield part

    def remarks(self, what: str) -> list[str]:
        """Return a line for each observable of which some entries are outside."""
        return [
            f"{what}: {name} of {self._outside[name]} of {self.n} entries is outside {low:g} to {high:g}, the range "
            "trained on; there a model extrapolates"
            for name, (_, low, high) in self._limits.items()
            if self._outside[name]
        ]
