"""Generated proton collisions as flat arrays: the common currency of generator, pileup and detector."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from hepad.simulation.arrays import Array, offsets_of, ragged_indices

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
