"""Side-by-side timing: ways of doing one thing take turns, so that a neighbour's work hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        case: what was done, such as `dense_ae, batches of 512`.
        way: who did it, such as `hepad` or `bare loop`.
        unit: of the value: `entries/s` and other rates (more is better), or `s`, `ms` and `MB` (less is better).
        value, low, high: median, smallest and largest of all rounds.
        rounds: how many there were.
        ratios: another way → how many times as good as that one this is, the median of the ratios of each round.
    """

    case: str
    way: str
    unit: str
    value: float
    low: float
    high: float
    rounds: int
    ratios: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the row as JSON keeps it."""
        return asdict(self)


class LeftOut(Exception):
    """A part that cannot run here; its text is what would have to be installed."""


def synchronize(device: str) -> None:
    """Wait until a GPU has done what it was asked to do."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_of(call: Callable[[], object], device: str = "cpu") -> float:
    """Return the wall time of one call."""
    synchronize(device)
    began = time.perf_counter()
    call()
    synchronize(device)
    return time.perf_counter() - began


def take_turns(ways: Mapping[str, Callable[[], object]], rounds: int, device: str = "cpu") -> dict[str, list[float]]:
    """Return way → seconds of each round; every other round goes backwards, and one before them warms up."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for i in range(rounds + 1):
        for way in list(ways)[:: 1 if i % 2 else -1]:
            duration = seconds_of(ways[way], device)
            if i:
                seconds[way].append(duration)
    return seconds


def rates(
    case: str, unit: str, amounts: Mapping[str, float], seconds: Mapping[str, Sequence[float]], against: Sequence[str]
) -> list[Row]:
    """Return a row for each way that has rounds.

    Args:
        case: what was done.
        unit: of the amount per second.
        amounts: way → how much is done in each of its rounds.
        seconds: way → wall time of each round.
        against: the ways that others are compared with.
    """
    found = {way: [amounts[way] / duration for duration in times] for way, times in seconds.items() if times}
    return [row_of(case, way, unit, values, found, against) for way, values in found.items()]


def row_of(
    case: str,
    way: str,
    unit: str,
    values: Sequence[float],
    all_values: Mapping[str, Sequence[float]] | None = None,
    against: Sequence[str] = (),
) -> Row:
    """Return the row of a way from its values of all rounds, with its ratios to other ways in the same rounds."""
    others = {other: (all_values or {})[other] for other in against if other != way and other in (all_values or {})}
    ratios = {
        other: statistics.median(one / two for one, two in zip(values, theirs, strict=False))
        for other, theirs in others.items()
    }
    return Row(case, way, unit, statistics.median(values), min(values), max(values), len(values), ratios)
