"""Flavour of jets: from the collision that a jet comes from, and from no other."""

import numpy as np
import pytest

from hepad.simulation.clustering import Jets
from hepad.simulation.flavour import flavour_origins, main_collision, true_flavour
from hepad.simulation.pileup import B_HADRON, C_HADRON, GLUON, Collisions, Crossings, overlay
from hepad.simulation.species import PDG


def collision(pt: float, eta: float, *origins: tuple[float, int]) -> Collisions:
    """One collision with one photon, and origins (pT, label) beside it."""
    none = np.zeros(len(origins), dtype=np.float32)
    return Collisions(
        n_particles=np.array([1]),
        pt=np.array([pt], dtype=np.float32),
        eta=np.array([eta], dtype=np.float32),
        phi=np.array([3.1], dtype=np.float32),
        species=np.flatnonzero(PDG == 22).astype(np.uint8),
        n_origins=np.array([len(origins)]),
        origin_pt=np.array([origin[0] for origin in origins], dtype=np.float32),
        origin_eta=none + np.float32(eta),
        origin_phi=none + np.float32(3.1),
        origin_label=np.array([origin[1] for origin in origins], dtype=np.uint8),
    )


def join(*parts: Collisions) -> Collisions:
    from hepad.simulation.pileup import concatenate

    return concatenate(parts)


def jet_of_all(crossings: Crossings, event: int = 0) -> Jets:
    """A jet at η = 0, φ = −3.1 that holds all origins of `event`."""
    origins = flavour_origins(crossings)
    inside = np.flatnonzero(origins.momenta.event == event)
    one, zero = np.array([1.0]), np.array([0.0])
    return Jets(
        event=np.array([event]),
        px=30 * np.cos(-3.1 * one),
        py=30 * np.sin(-3.1 * one),
        pz=zero,
        energy=30 * one,
        area=0.5 * one,
        constituent=np.zeros(0, dtype=int),
        constituent_jet=np.zeros(0, dtype=int),
        origin=inside,
        origin_jet=np.zeros(len(inside), dtype=int),
    )


def flavour(crossings: Crossings, event: int = 0) -> tuple[int, int]:
    hadron, parton = true_flavour(jet_of_all(crossings, event), flavour_origins(crossings), crossings)
    return int(hadron[0]), int(parton[0])


HARD = collision(40, 0.1, (35, GLUON), (5, 1))
CHARM = collision(3, 0.0, (4, 4), (3, C_HADRON))


def test_charm_of_pileup_does_not_make_a_jet_of_the_hard_collision_a_c_jet() -> None:
    crossings = overlay(HARD, join(CHARM, CHARM), np.array([2]))
    assert flavour(crossings) == (0, GLUON)
    # Of the second event too: the hard collisions of all events stand before those of pileup.
    crossings = overlay(join(CHARM, HARD), join(CHARM, CHARM, CHARM), np.array([2, 1]))
    assert flavour(crossings, event=1) == (0, GLUON)
    assert main_collision(jet_of_all(crossings, 1), crossings).tolist() == [1]
    assert flavour(overlay(collision(40, 0.1, (20, 4), (18, C_HADRON)), CHARM, np.array([1]))) == (4, 4)


def test_a_jet_of_pileup_has_the_flavour_of_its_collision_beside_a_hard_one_as_without() -> None:
    """Else the drawn taggers would tell soft QCD, whose jets are nearly all pileup, from zero bias."""
    soft, charm = collision(1, 0.1, (0.9, GLUON)), collision(12, -0.1, (11, 4), (9, C_HADRON))
    assert flavour(overlay(soft, join(charm, CHARM), np.array([2]))) == (4, 4)
    crossings = overlay(join(soft, soft), join(CHARM, charm, CHARM), np.array([1, 2]))
    assert flavour(crossings, event=1) == (4, 4)
    assert main_collision(jet_of_all(crossings, 1), crossings).tolist() == [3]


def test_in_pileup_alone_only_the_collision_of_the_jet_counts() -> None:
    light, charm = collision(9, 0.1, (8, 2)), collision(12, -0.1, (11, 4), (9, C_HADRON))
    assert flavour(overlay(None, join(light, CHARM), np.array([2]))) == (0, 2)
    assert flavour(overlay(None, join(light, charm), np.array([2]))) == (4, 4)
    # Of the second crossing: collisions of the first do not shift those of the second.
    second = overlay(None, join(charm, charm, charm, light, CHARM), np.array([3, 2]))
    assert flavour(second, event=1) == (0, 2)
    assert main_collision(jet_of_all(second, 1), second).tolist() == [3]


def test_particles_far_from_the_jet_do_not_decide_where_it_comes_from() -> None:
    far, near = collision(90, 2.0, (80, 4), (70, C_HADRON)), collision(9, 0.1, (8, 2))
    assert flavour(overlay(None, join(far, near), np.array([2]))) == (0, 2)


def test_beauty_goes_before_charm_and_the_hardest_parton_names_a_light_jet() -> None:
    both = collision(40, 0.1, (20, 5), (18, B_HADRON), (9, C_HADRON), (30, GLUON))
    assert flavour(overlay(both, CHARM, np.array([1]))) == (5, 5)
    assert flavour(overlay(collision(40, 0.1, (8, 3), (30, 1), (20, GLUON)), CHARM, np.array([1]))) == (0, 1)


@pytest.mark.parametrize("is_hard", [True, False])
def test_without_jets_there_is_no_flavour(is_hard: bool) -> None:
    crossings = overlay(HARD if is_hard else None, CHARM, np.array([1]))
    found = jet_of_all(crossings)
    nothing = np.zeros(0)
    empty = Jets(nothing.astype(int), *[nothing] * 5, *[nothing.astype(int)] * 4)
    hadron, parton = true_flavour(empty, flavour_origins(crossings), crossings)
    assert len(found.event) == 1
    assert len(hadron) == len(parton) == 0
