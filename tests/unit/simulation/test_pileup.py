import numpy as np

from hepad.simulation.collisions import Collisions, concatenate
from hepad.simulation.pileup import overlay


def test_rotation_and_mirroring_keep_momenta_and_angles_between_particles(pool: Collisions) -> None:
    rng = np.random.default_rng(0)
    mirror = rng.random(len(pool)) < 0.5
    turned = pool.rotated(rng.uniform(0, 2 * np.pi, len(pool)), mirror)
    np.testing.assert_array_equal(turned.pt, pool.pt)
    np.testing.assert_array_equal(turned.species, pool.species)
    sign = np.where(np.repeat(mirror, pool.n_particles), -1, 1)
    np.testing.assert_array_equal(turned.eta, sign * pool.eta)
    first = slice(0, pool.n_particles[0])
    np.testing.assert_allclose(
        np.cos(turned.phi[first] - turned.phi[0]), np.cos(pool.phi[first] - pool.phi[0]), atol=1e-5
    )
    assert (np.abs(turned.phi) <= np.pi + 1e-6).all()


def test_taking_collisions_takes_their_particles(pool: Collisions) -> None:
    index = np.array([5, 0, 5])
    taken = pool.take(index)
    single = concatenate([pool.take(index[i : i + 1]) for i in range(3)])
    np.testing.assert_array_equal(taken.pt, single.pt)
    np.testing.assert_array_equal(taken.origin_label, single.origin_label)
    assert taken.n_particles.tolist() == pool.n_particles[index].tolist()


def test_every_event_gets_its_number_of_pileup_collisions(pool: Collisions, top_pairs: Collisions) -> None:
    n_pileup = np.array([3, 0, 5])
    crossings = overlay(top_pairs.take(np.arange(3)), pool, n_pileup, np.random.default_rng(0))
    assert np.bincount(crossings.event).tolist() == [4, 1, 6]
    hard = crossings.vertex == 0
    assert crossings.collisions.n_particles[hard].tolist() == top_pairs.n_particles[:3].tolist()
    for event, n in enumerate(n_pileup):
        assert sorted(crossings.vertex[crossings.event == event]) == list(range(n + 1))


def test_without_a_hard_collision_there_is_pileup_only(pool: Collisions) -> None:
    crossings = overlay(None, pool, np.array([2, 1]), np.random.default_rng(0))
    assert crossings.event.tolist() == [0, 0, 1]
    assert crossings.vertex.tolist() == [0, 1, 0]


def test_drawn_collisions_are_spread_in_phi(pool: Collisions) -> None:
    crossings = overlay(None, pool.take(np.zeros(1, dtype=int)), np.array([2000]), np.random.default_rng(0))
    leading = crossings.collisions.phi.reshape(2000, -1)[:, 0]
    counts, _ = np.histogram(leading, np.linspace(-np.pi, np.pi, 9))
    assert (np.abs(counts - 250) < 5 * np.sqrt(250)).all()
