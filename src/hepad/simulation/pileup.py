"""Pileup: other proton collisions of the same bunch crossing, laid over the hard one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hepad.simulation.arrays import Array
from hepad.simulation.collisions import Collisions, concatenate


class PileupSource:
    """Minimum-bias collisions, of which each serves in one event.

    Drawn from a pool with replacement, the loudest events of a sample would be a few collisions over and over, and
    test events would have twins among those trained on.

    Args:
        generate: makes the next n collisions.
    """

    def __init__(self, generate: Callable[[int], Collisions]) -> None:
        self._generate = generate
        self._returned: list[Collisions] = []

    def take(self, n: int) -> Collisions:
        """Return `n` collisions that no kept event holds."""
        waiting = [*self._returned]
        missing = n - sum(map(len, waiting))
        if missing > 0 or not waiting:
            waiting.append(self._generate(max(missing, 0)))
        ready = concatenate(waiting)
        self._returned = [ready.take(np.arange(n, len(ready)))]
        return ready.take(np.arange(n))

    def put_back(self, collisions: Collisions) -> None:
        """Take back the collisions of events that a selection rejected."""
        self._returned.append(collisions)


@dataclass(frozen=True)
class Crossings:
    """Bunch crossings: collisions with the crossing and the vertex they belong to.

    `event` and `vertex` (number of collisions,) give the crossing of each collision, and its number within it. Where
    there is a hard collision, it is vertex 0.
    """

    n_events: int
    n_pileup: Array
    collisions: Collisions
    event: Array
    vertex: Array


def overlay(hard: Collisions | None, pileup: Collisions, n_pileup: Array) -> Crossings:
    """Lay the collisions of `pileup`, `n_pileup` (E,) of them each, over the collisions of `hard`.

    Without `hard` the crossings are pileup only.
    """
    n_events, n_laid = len(n_pileup), int(n_pileup.sum())
    if len(pileup) != n_laid:
        raise ValueError(f"{len(pileup)} pileup collisions for events that hold {n_laid}")
    event = np.repeat(np.arange(n_events), n_pileup)
    vertex = np.arange(n_laid) - np.repeat(np.cumsum(n_pileup) - n_pileup, n_pileup)
    if hard is None:
        return Crossings(n_events, n_pileup, pileup, event, vertex)
    return Crossings(
        n_events,
        n_pileup,
        concatenate([hard, pileup]),
        np.concatenate([np.arange(n_events), event]),
        np.concatenate([np.zeros(n_events, dtype=np.int64), vertex + 1]),
    )
