"""Pileup: other proton collisions of the same bunch crossing, laid over the hard one."""

from dataclasses import dataclass

import numpy as np

from hepad.simulation.arrays import Array
from hepad.simulation.collisions import Collisions, concatenate


@dataclass(frozen=True)
class Crossings:
    """Bunch crossings: collisions with the crossing and the vertex they belong to.

    `event` and `vertex` (number of collisions,) give the crossing of each collision, and its number within it.
    """

    n_events: int
    n_pileup: Array
    collisions: Collisions
    event: Array
    vertex: Array


def overlay(hard: Collisions | None, pool: Collisions, n_pileup: Array, rng: np.random.Generator) -> Crossings:
    """Lay `n_pileup` (E,) collisions drawn from `pool` over each collision of `hard`.

    Each pool collision is turned by a random φ and mirrored in η at random. Without `hard` the crossings are
    pileup only.
    """
    n_events, n_drawn = len(n_pileup), int(n_pileup.sum())
    drawn = pool.take(rng.integers(len(pool), size=n_drawn)).rotated(
        rng.uniform(0, 2 * np.pi, n_drawn), rng.random(n_drawn) < 0.5
    )
    event = np.repeat(np.arange(n_events), n_pileup)
    vertex = np.arange(n_drawn) - np.repeat(np.cumsum(n_pileup) - n_pileup, n_pileup)
    if hard is None:
        return Crossings(n_events, n_pileup, drawn, event, vertex)
    return Crossings(
        n_events,
        n_pileup,
        concatenate([hard, drawn]),
        np.concatenate([np.arange(n_events), event]),
        np.concatenate([np.zeros(n_events, dtype=np.int64), vertex + 1]),
    )
