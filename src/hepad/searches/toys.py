"""Global p-value of a search: how often the smallest local p-value of background alone is as small, by refitted toys."""

from collections.abc import Sequence

from hepad.searches.results import WindowFindings
from hepad.searches.settings import Settings


def global_p(findings: Sequence[WindowFindings], settings: Settings) -> tuple[float | None, int]:
    """Return the global p-value and the number of toys."""
    return None, 0
