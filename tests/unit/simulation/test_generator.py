import numpy as np
import pytest

from hepad.simulation.generator import MAX_ABS_ETA, MINIMUM_BIAS_SETTINGS, generate, make_pythia
from hepad.simulation.pileup import B_HADRON, C_HADRON, Collisions
from hepad.simulation.processes import PROCESSES
from hepad.simulation.species import CHARGE, MASS, PDG, UNKNOWN, species_of


def test_species_know_charge_and_mass_and_leave_out_neutrinos() -> None:
    codes = species_of(np.array([22, -211, 211, 11, 310, 14, 1000022]))
    assert PDG[codes[:5]].tolist() == [22, -211, 211, 11, 310]
    assert CHARGE[codes[:5]].tolist() == [0, -1, 1, -1, 0]
    assert MASS[codes[1]] == pytest.approx(0.1396, abs=1e-4)
    assert codes[5:].tolist() == [UNKNOWN, UNKNOWN]


def test_top_pairs_have_two_b_hadrons_and_visible_particles_only(top_pairs: Collisions) -> None:
    event = np.repeat(np.arange(len(top_pairs)), top_pairs.n_origins)
    n_b = np.bincount(event[top_pairs.origin_label == B_HADRON], minlength=len(top_pairs))
    # Now and then one flies out along the beam, or a gluon splits to more.
    assert np.median(n_b) == 2
    assert n_b.mean() == pytest.approx(2, abs=0.25)
    assert (top_pairs.origin_label == C_HADRON).any()
    assert (top_pairs.species < len(PDG)).all()
    assert (np.abs(top_pairs.eta) < MAX_ABS_ETA).all()
    assert top_pairs.n_particles.sum() == len(top_pairs.pt)


def test_the_seed_decides_the_events(top_pairs: Collisions) -> None:
    again = generate(make_pythia(PROCESSES["ttbar"].settings or (), seed=1), 5)
    np.testing.assert_array_equal(again.pt, top_pairs.pt[: len(again.pt)])
    other = generate(make_pythia(PROCESSES["ttbar"].settings or (), seed=2), 5)
    assert not np.array_equal(other.pt, again.pt)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="HardQCD:everything"):
        make_pythia(["HardQCD:everything = on"], seed=1)


@pytest.mark.parametrize(
    ("sample", "masses"), [("wprime", {34: 3500, 24: 500, 23: 100}), ("radion", {35: 500, 25: 125})]
)
def test_resonances_have_the_masses_asked_for(sample: str, masses: dict[int, float]) -> None:
    particles = make_pythia(PROCESSES[sample].settings or (), seed=1).nextBatch(40).prt
    pdg, status, mass = (np.concatenate([row.to_numpy() for row in particles[x]]) for x in ("id", "status", "m"))
    for code, expected in masses.items():
        found = mass[(np.abs(pdg) == code) & (np.abs(status) == 22)]
        assert len(found) >= 40
        assert np.median(found) == pytest.approx(expected, rel=0.03)


def test_no_collision_at_all_is_none() -> None:
    """A chunk of few events may draw no pileup."""
    none = generate(make_pythia(MINIMUM_BIAS_SETTINGS, seed=1), 0)
    assert (len(none), len(none.pt), len(none.origin_label)) == (0, 0, 0)
