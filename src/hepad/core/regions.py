"""Regions: named selections of entries by intervals of observables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from hepad.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Interval: TypeAlias = tuple[float, float]
"""Low end, which belongs to it, and high end, which does not; infinite where it is open."""


@dataclass(frozen=True)
class Region:
    """A named selection of entries.

    Attributes:
        name: as in `data.regions`.
        intervals: observable → its intervals by rising low end; an entry lies in one of each.

    >>> import numpy as np
    >>> from hepad.core.regions import parse_regions
    >>> sidebands = parse_regions({"sidebands": {"m_jj": [[None, 3300], [3700, None]]}})["sidebands"]
    >>> sidebands.holds({"m_jj": np.array([3000.0, 3300.0, 3500.0, 3700.0, np.nan])})
    array([ True, False, False,  True, False])
    """

    name: str
    intervals: Mapping[str, tuple[Interval, ...]]

    def holds(self, observables: "Mapping[str, NDArray[np.float64]]") -> "NDArray[np.bool_]":
        """Return which entries lie in the region, `(N,)`, of observables `(N,)`; what is NaN lies in none."""
        # Every command reads what regions there are, and has no other need of numpy.
        import numpy as np

        chosen = [
            np.logical_or.reduce([(low <= observables[name]) & (observables[name] < high) for low, high in intervals])
            for name, intervals in self.intervals.items()
        ]
        found: NDArray[np.bool_] = np.logical_and.reduce(chosen)
        return found


def parse_regions(given: Mapping[str, Any] | None) -> dict[str, Region]:
    """Return name → region, as `data.regions` gives them: name → observable → an interval or a list of intervals.

    Raises:
        UserError: no observable, no interval, a low end that is not below the high one, or intervals that overlap.
    """
    if given is not None and not isinstance(given, Mapping):
        raise UserError(f"data.regions={given}: a mapping such as {{signal: {{m_jj: [3300, 3700]}}}} is needed")
    return {str(name): _region(str(name), cuts) for name, cuts in (given or {}).items()}


def _region(name: str, cuts: Any) -> Region:
    key = f"data.regions.{name}"
    if not isinstance(cuts, Mapping) or not cuts:
        raise UserError(f"{key}={_shown(cuts)}: it names no observable; {{m_jj: [3300, 3700]}} is one")
    return Region(name, {str(observable): _intervals(f"{key}.{observable}", cut) for observable, cut in cuts.items()})


def _intervals(key: str, cut: Any) -> tuple[Interval, ...]:
    several = _is_list(cut) and len(cut) > 0 and all(_is_list(part) for part in cut)
    intervals = sorted(_interval(key, part) for part in (cut if several else [cut]))
    for (low, high), (after, end) in pairwise(intervals):
        if after < high:
            raise UserError(f"{key}: {_told(low, high)} and {_told(after, end)} overlap; an entry is to lie in one")
    return tuple(intervals)


def _interval(key: str, ends: Any) -> Interval:
    if not _is_list(ends) or len(ends) != 2 or not all(_is_end(end) for end in ends):
        raise UserError(
            f"{key}={_shown(ends)}: an interval [low, high] is needed, null for an open end, or a list of intervals"
        )
    low, high = (-math.inf if ends[0] is None else float(ends[0])), (math.inf if ends[1] is None else float(ends[1]))
    if not low < high:
        raise UserError(f"{key}={_told(low, high)} is empty: its low end must be below its high end")
    return low, high


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_end(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)[:80]


def _told(low: float, high: float) -> str:
    return f"[{', '.join('null' if math.isinf(end) else f'{end:.12g}' for end in (low, high))}]"


def region_facts(region: Region) -> dict[str, list[list[float | None]]]:
    """Return a region as plain JSON values: observable → intervals, None for an open end."""
    return {
        name: [[None if math.isinf(end) else end for end in interval] for interval in intervals]
        for name, intervals in region.intervals.items()
    }
