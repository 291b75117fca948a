import numpy as np
import pytest

from hepad.simulation.pileup import Collisions, PileupSource, concatenate, overlay


def test_taking_collisions_takes_their_particles(pool: Collisions) -> None:
    index = np.array([5, 0, 5])
    taken = pool.take(index)
    single = concatenate([pool.take(index[i : i + 1]) for i in range(3)])
    np.testing.assert_array_equal(taken.pt, single.pt)
    np.testing.assert_array_equal(taken.origin_label, single.origin_label)
    assert taken.n_particles.tolist() == pool.n_particles[index].tolist()


def test_every_event_gets_its_number_of_pileup_collisions(pool: Collisions, top_pairs: Collisions) -> None:
    n_pileup = np.array([3, 0, 5])
    crossings = overlay(top_pairs.take(np.arange(3)), pool.take(np.arange(8)), n_pileup)
    assert np.bincount(crossings.event).tolist() == [4, 1, 6]
    hard = crossings.vertex == 0
    assert crossings.collisions.n_particles[hard].tolist() == top_pairs.n_particles[:3].tolist()
    np.testing.assert_array_equal(crossings.collisions.n_particles[~hard], pool.n_particles[:8])
    for event, n in enumerate(n_pileup):
        assert sorted(crossings.vertex[crossings.event == event]) == list(range(n + 1))


def test_without_a_hard_collision_there_is_pileup_only(pool: Collisions) -> None:
    crossings = overlay(None, pool.take(np.arange(3)), np.array([2, 1]))
    assert crossings.event.tolist() == [0, 0, 1]
    assert crossings.vertex.tolist() == [0, 1, 0]


def test_an_event_never_gets_collisions_of_another(pool: Collisions) -> None:
    with pytest.raises(ValueError, match="4 pileup collisions for events that hold 3"):
        overlay(None, pool.take(np.arange(4)), np.array([2, 1]))


def test_every_collision_serves_in_one_kept_event(pool: Collisions) -> None:
    made = iter(range(len(pool)))
    source = PileupSource(lambda n: pool.take(np.array([next(made) for _ in range(n)], dtype=int)))
    rng = np.random.default_rng(0)
    kept = []
    for _ in range(6):
        n_pileup = rng.poisson(9, 5)
        taken = source.take(int(n_pileup.sum()))
        chosen = np.repeat(rng.random(5) < 0.5, n_pileup)
        kept.append(taken.take(np.flatnonzero(chosen)))
        source.put_back(taken.take(np.flatnonzero(~chosen)))
    served = concatenate(kept)
    # The summed pT of a collision with particles stands for its name: no two are alike.
    names = [part.pt.sum() for part in (served.take(np.array([i])) for i in range(len(served))) if len(part.pt)]
    assert len(names) > 50
    assert len(set(names)) == len(names)
    assert next(made) < len(served) + 60, "rejected events cost no new collisions"
