import numpy as np
import pytest

from hepad.simulation.particle_flow import NO_VERTEX, Candidates, Kind, propagate, reconstruct
from hepad.simulation.pileup import Collisions, Crossings
from hepad.simulation.species import species_of
from hepad.simulation.vertices import find_vertices, is_pileup

N = 400


def shoot(pdg: int, pt: float, eta: float, n: int = N) -> Candidates:
    """Send one particle through the detector in each of `n` events, and return the candidates."""
    return reconstruct(propagate(crossings([pdg] * n, [pt] * n, [eta] * n)), n, np.random.default_rng(0))[0]


def crossings(pdg: list[int], pt: list[float], eta: list[float]) -> Crossings:
    n = len(pdg)
    none = np.array([], dtype=np.float32)
    collisions = Collisions(
        n_particles=np.ones(n, dtype=int),
        pt=np.array(pt, dtype=np.float32),
        eta=np.array(eta, dtype=np.float32),
        phi=np.random.default_rng(1).uniform(-3.1, 3.1, n).astype(np.float32),
        species=species_of(np.array(pdg)),
        n_origins=np.zeros(n, dtype=int),
        origin_pt=none,
        origin_eta=none,
        origin_phi=none,
        origin_label=none.astype(np.uint8),
    )
    return Crossings(n, np.zeros(n, dtype=int), collisions, np.arange(n), np.zeros(n, dtype=int))


def test_a_photon_becomes_a_photon_of_its_energy() -> None:
    found = shoot(22, 50, 0.3)
    assert len(found) == N
    assert (found.kind == Kind.PHOTON).all()
    assert (found.vertex == NO_VERTEX).all()
    assert found.pt.mean() == pytest.approx(50, rel=0.02)


def test_a_tracked_pion_is_counted_once() -> None:
    found = shoot(211, 20, 0.3)
    charged = found.kind == Kind.CHARGED_HADRON
    # The calorimeter adds a neutral only where it fluctuates two sigma above the track.
    assert charged.sum() == pytest.approx(0.95 * N, abs=5 * np.sqrt(0.05 * 0.95 * N))
    neutral = np.bincount(found.event[~charged], minlength=N) > 0
    tracked = np.bincount(found.event[charged], minlength=N) > 0
    assert neutral[tracked].mean() < 0.06
    assert found.pt[charged].mean() == pytest.approx(20, rel=0.01)


def test_pions_beyond_the_tracker_become_neutral_hadrons() -> None:
    found = shoot(211, 50, 3.58)
    assert (found.kind == Kind.NEUTRAL_HADRON).all()
    assert found.pt.sum() / N == pytest.approx(50, rel=0.05)


def test_muons_leave_a_track_and_nothing_else() -> None:
    found = shoot(13, 30, 1.0)
    assert (found.kind == Kind.MUON).all()
    assert len(found) == pytest.approx(0.99 * N, abs=12)
    assert len(shoot(13, 30, 3.5)) == 0


def test_very_stiff_tracks_take_the_calorimeter_into_account() -> None:
    found = shoot(211, 2000, 1.2)
    tracked = np.unique(found.event[found.kind == Kind.CHARGED_HADRON])
    total = np.bincount(found.event, found.pt, N)[tracked]
    # The track alone would have 50%, HCAL 6%.
    assert np.median(np.abs(total / 2000 - 1)) < 0.08


def test_soft_neutral_hadrons_are_below_threshold() -> None:
    assert len(shoot(130, 1.0, 0.0)) < 0.05 * N


def test_the_primary_vertex_has_the_hardest_tracks_and_charged_hadrons_of_others_are_removed() -> None:
    n = 60
    event = crossings([211] * n, [1.0] * 50 + [30.0] * 10, [0.5] * n)
    vertex = np.array([0] * 50 + [1] * 10)
    one_event = Crossings(1, np.array([1]), event.collisions, np.zeros(n, dtype=int), vertex)
    candidates, _ = reconstruct(propagate(one_event), 1, np.random.default_rng(0))
    primary, n_vertices = find_vertices(candidates, 1)
    assert primary.tolist() == [1]
    assert n_vertices.tolist() == [2]
    removed = is_pileup(candidates, primary)
    assert (removed == ((candidates.kind == Kind.CHARGED_HADRON) & (candidates.vertex == 0))).all()
    assert removed.any()
