"""True flavour of jets, from the collision that a jet comes from: hadrons of pileup give it none."""

from dataclasses import dataclass

import numpy as np

from hepad.simulation.clustering import RADIUS, FourMomenta, Jets
from hepad.simulation.pileup import B_HADRON, C_HADRON, Crossings
from hepad.simulation.records import Array, offsets_of, ragged_indices, wrap_phi


@dataclass(frozen=True)
class FlavourOrigins:
    """Hadrons and partons (O,) that may give a jet its flavour, with their label and the collision they are of."""

    momenta: FourMomenta
    label: Array
    collision: Array


def flavour_origins(crossings: Crossings) -> FlavourOrigins:
    """Return what may give jets their flavour: hadrons and partons of all collisions, those of pileup too."""
    found = crossings.collisions
    collision = np.repeat(np.arange(len(found)), found.n_origins)
    return FlavourOrigins(
        FourMomenta(
            event=crossings.event[collision],
            pt=found.origin_pt.astype(np.float64),
            eta=found.origin_eta.astype(np.float64),
            phi=found.origin_phi.astype(np.float64),
            mass=np.zeros(len(collision)),
        ),
        found.origin_label,
        collision,
    )


def true_flavour(found: Jets, origins: FlavourOrigins, crossings: Crossings) -> tuple[Array, Array]:
    """Return hadron flavour (0, 4 or 5) and parton flavour (0, 1 to 5 or 21) of each jet (J,), as CMS defines them.

    5 for a b hadron inside, else 4 for a c hadron. The parton is b or c if there is one, else the hardest. Only hadrons
    and partons count that are of the collision that the jet comes from: with 27 other collisions in each event, one
    jet in seven would hold a soft c hadron of theirs. The rule is the same with and without a hard collision, so that
    a sample's drawn taggers do not tell which of the two it has.
    """
    n_jets = len(found.event)
    own = origins.collision[found.origin] == main_collision(found, crossings)[found.origin_jet]
    origin, jet = found.origin[own], found.origin_jet[own]
    label, pt = origins.label[origin], origins.momenta.pt[origin]

    def has(name: int) -> Array:
        return np.bincount(jet[label == name], minlength=n_jets) > 0

    flavour = np.select([has(B_HADRON), has(C_HADRON)], [5, 4], 0)
    partons = np.flatnonzero(label < C_HADRON)
    by_pt = partons[np.argsort(pt[partons], kind="stable")]
    parton = np.zeros(n_jets, dtype=np.int64)
    # Assignment in rising order of pT: the hardest stays.
    parton[jet[by_pt]] = label[by_pt]
    return flavour, np.select([has(5), has(4)], [5, 4], parton)


def main_collision(found: Jets, crossings: Crossings) -> Array:
    """Return the collision (J,) that most of a jet comes from: the largest Σ pT of true particles within ΔR < 0.4."""
    # Event by event; where there is a hard collision, those of all events come first.
    by_event = np.argsort(crossings.event, kind="stable")
    collisions = crossings.collisions.take(by_event)
    n_vertices = np.bincount(crossings.event, minlength=crossings.n_events)
    first_collision = offsets_of(n_vertices)[:-1]
    n_particles = np.bincount(crossings.event[by_event], collisions.n_particles, crossings.n_events).astype(np.int64)
    counts = n_particles[found.event]
    particle = ragged_indices(offsets_of(n_particles)[found.event], counts)
    jet = np.repeat(np.arange(len(found.event)), counts)
    pt = np.hypot(found.px, found.py)
    distance = np.hypot(
        collisions.eta[particle] - np.arcsinh(found.pz / pt)[jet],
        wrap_phi(collisions.phi[particle] - np.arctan2(found.py, found.px)[jet]),
    )
    inside = distance < RADIUS
    particle, jet = particle[inside], jet[inside]
    vertex = np.repeat(crossings.vertex[by_event], collisions.n_particles)[particle]
    width = int(n_vertices.max(initial=1))
    shares = np.bincount(jet * width + vertex, collisions.pt[particle], len(pt) * width).reshape(len(pt), width)
    main: Array = by_event[first_collision[found.event] + shares.argmax(axis=1)]
    return main
