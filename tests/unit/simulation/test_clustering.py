import fastjet
import numpy as np
import pytest

from hepad.simulation.clustering import RADIUS, FourMomenta, cluster


def no_origins() -> FourMomenta:
    return FourMomenta(np.array([], dtype=int), *(np.array([]) for _ in range(4)))


def random_particles(n_events: int, n: int, seed: int) -> FourMomenta:
    rng = np.random.default_rng(seed)
    total = n_events * n
    return FourMomenta(
        event=rng.integers(n_events, size=total),
        pt=rng.exponential(3, total) + 0.3,
        eta=rng.uniform(-4, 4, total),
        phi=rng.uniform(-np.pi, np.pi, total),
        mass=np.full(total, 0.1396),
    )


def test_jets_are_those_that_fastjet_finds_event_by_event_without_ghosts() -> None:
    particles = random_particles(5, 80, seed=0)
    jets = cluster(particles, no_origins(), 5, 10.0, np.random.default_rng(0))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS)
    for event in range(5):
        mine = particles.event == event
        pt, eta, phi, mass = (x[mine] for x in (particles.pt, particles.eta, particles.phi, particles.mass))
        momenta = zip(
            pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.hypot(pt * np.cosh(eta), mass), strict=True
        )
        sequence = fastjet._swig.ClusterSequence([fastjet.PseudoJet(*map(float, p)) for p in momenta], definition)
        expected = sorted(jet.pt() for jet in sequence.inclusive_jets(10.0))
        found = np.sort(np.hypot(jets.px, jets.py)[jets.event == event])
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_constituents_add_up_to_their_jet() -> None:
    particles = random_particles(5, 80, seed=1)
    jets = cluster(particles, no_origins(), 5, 10.0, np.random.default_rng(0))
    px = (particles.pt * np.cos(particles.phi))[jets.constituent]
    np.testing.assert_allclose(np.bincount(jets.constituent_jet, px), jets.px, rtol=1e-9)
    assert (particles.event[jets.constituent] == jets.event[jets.constituent_jet]).all()


def test_a_lone_hard_particle_has_the_area_of_a_circle() -> None:
    n = 200
    rng = np.random.default_rng(0)
    lone = FourMomenta(
        np.arange(n), np.full(n, 100.0), rng.uniform(-4, 4, n), rng.uniform(-np.pi, np.pi, n), np.zeros(n)
    )
    jets = cluster(lone, no_origins(), n, 10.0, rng)
    assert len(jets.event) == n
    assert jets.area.mean() == pytest.approx(np.pi * RADIUS**2, rel=0.01)
    assert jets.area.std() < 0.03


def test_origins_go_to_the_jet_around_them_and_do_not_change_it() -> None:
    particles = random_particles(1, 80, seed=2)
    alone = cluster(particles, no_origins(), 1, 10.0, np.random.default_rng(0))
    eta = np.arcsinh(alone.pz / np.hypot(alone.px, alone.py))
    phi = np.arctan2(alone.py, alone.px)
    n = len(eta)
    origins = FourMomenta(np.zeros(n, dtype=int), np.full(n, 500.0), eta, phi, np.zeros(n))
    jets = cluster(particles, origins, 1, 10.0, np.random.default_rng(0))
    np.testing.assert_allclose(jets.px, alone.px)
    assert jets.origin_jet[np.argsort(jets.origin)].tolist() == list(range(n))


def test_empty_events_have_no_jets() -> None:
    one = FourMomenta(np.array([1]), np.array([50.0]), np.array([0.0]), np.array([3.1]), np.array([0.0]))
    jets = cluster(one, no_origins(), 3, 10.0, np.random.default_rng(0))
    assert jets.event.tolist() == [1]
    empty = cluster(no_origins(), no_origins(), 3, 10.0, np.random.default_rng(0))
    assert len(empty.event) == 0
