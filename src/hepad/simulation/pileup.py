"""Generated collisions as flat arrays, and pileup: other collisions of a crossing laid over the hard one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from hepad.simulation.records import Array, offsets_of, ragged_indices

GLUON: Final = 21
C_HADRON: Final = 104
B_HADRON: Final = 105
"""Labels of origins; quarks have their PDG code, 1 to 5."""


@dataclass(frozen=True)
class Collisions:
    """N collisions with their visible particles and the origins of jet flavour, both ragged and flat.

    `n_particles` (N,) and `n_origins` (N,) count the entries of each collision; pt in GeV, phi in rad, `species`
    uint8 codes of `hepad.simulation.species`, `origin_label` uint8.
    """

    n_particles: Array
    pt: Array
    eta: Array
    phi: Array
    species: Array
    n_origins: Array
    origin_pt: Array
    origin_eta: Array
    origin_phi: Array
    origin_label: Array

    def __len__(self) -> int:
        return len(self.n_particles)

    def take(self, index: Array) -> "Collisions":
        """Return the collisions `index` (M,), in that order, repeats allowed."""
        particles = ragged_indices(offsets_of(self.n_particles)[index], self.n_particles[index])
        origins = ragged_indices(offsets_of(self.n_origins)[index], self.n_origins[index])
        return Collisions(
            n_particles=self.n_particles[index],
            pt=self.pt[particles],
            eta=self.eta[particles],
            phi=self.phi[particles],
            species=self.species[particles],
            n_origins=self.n_origins[index],
            origin_pt=self.origin_pt[origins],
            origin_eta=self.origin_eta[origins],
            origin_phi=self.origin_phi[origins],
            origin_label=self.origin_label[origins],
        )


def concatenate(parts: Sequence[Collisions]) -> Collisions:
    """Return all collisions of `parts`, one after the other."""
    return Collisions(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Collisions)}
    )


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
