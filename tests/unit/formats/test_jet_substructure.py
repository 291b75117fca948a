"""Clustering, N-subjettiness and soft drop against their definitions, worked out by hand for a few particles."""

import math

import awkward as ak
import fastjet
import h5py
import numpy as np
import pytest
from tests.layouts import LAYOUTS
from tests.layouts.jet_finding import added, anti_kt, distance, least_tau, mass_of, p4, pt_of, soft_drop, tau_of

from hepad.core.errors import UserError
from hepad.formats import Request, convert_files
from hepad.formats import jet_substructure as substructure
from hepad.formats.expressions import evaluate
from hepad.formats.high_level import HIGH_LEVEL, high_level

RADIUS = 0.8


def some_jets(n_jets: int, seed: int, spread: float = 0.25) -> np.ndarray:
    """Return `(n_jets, 12, 3)` pt, eta and phi of 1 to 12 particles each, zero padded."""
    rng = np.random.default_rng(seed)
    jets = np.zeros((n_jets, 12, 3))
    for row in range(n_jets):
        n = row % 12 + 1
        jets[row, :n, 0] = 1 + rng.exponential(30, n)
        jets[row, :n, 1:] = rng.normal(0, 1, 2) + rng.normal(0, spread, (n, 2))
    return jets


def momenta_of(jet: np.ndarray) -> list:
    return [p4(*one) for one in jet.tolist() if one[0] > 0]


def as_jets(jets: np.ndarray):
    return substructure.particles(jets[..., 0], jets[..., 1], jets[..., 2])


def test_n_subjettiness_is_the_minimum_over_all_axes_that_brute_force_finds():
    rng = np.random.default_rng(3)
    prongs = np.array([[-0.3, -0.2], [0.3, 0.2], [-0.25, 0.35]])
    jets = np.zeros((3, 6, 3))
    for jet in jets:
        jet[:, 0] = rng.uniform(20, 60, 6)
        jet[:, 1:] = prongs[[0, 0, 1, 1, 2, 2]] + rng.normal(0, 0.05, (6, 2))
    tau = substructure.n_subjettiness(as_jets(jets), 3, 1.0, RADIUS)[:, 0]
    for jet, found in zip(jets, tau, strict=True):
        # Massless: the rapidity is η.
        particles = [tuple(one) for one in jet.tolist()]
        for n in (1, 2, 3):
            best = least_tau(particles, n, RADIUS)
            assert best * (1 - 1e-6) <= found[n - 1] <= best * 1.02 + 1e-6
    assert (tau[:, 2] < tau[:, 1]).all()


def test_two_particles_are_exact_and_no_more_particles_than_axes_give_zero():
    pair = np.array([[[60.0, 0.0, 3.1], [20.0, 0.3, -3.1]]])
    apart = math.hypot(0.3, 2 * math.pi - 6.2)
    tau = substructure.n_subjettiness(as_jets(pair), 3, 1.0, RADIUS)[0, 0]
    # One axis lies on the harder one.
    assert tau[0] == pytest.approx(20 * apart / (80 * RADIUS), rel=2e-3)
    assert tau[1:].tolist() == [0, 0]
    squared = substructure.n_subjettiness(as_jets(pair), 1, 2.0, 1.0)[0, 0, 0]
    axis = added(*momenta_of(pair[0]))
    assert squared == pytest.approx(tau_of(momenta_of(pair[0]), [axis], 2.0, 1.0), rel=2e-2)


def test_fastjet_knows_the_words_that_it_is_given(monkeypatch):
    """It takes any word, and others in place of those that it does not know."""
    jets = as_jets(some_jets(12, seed=1))
    found = substructure.n_subjettiness(jets, 2, 1.0, RADIUS)
    monkeypatch.setattr(substructure, "AXES", "no such axes")
    other = substructure.n_subjettiness(jets, 2, 1.0, RADIUS)
    assert (found <= other * (1 + 1e-9)).all()
    assert (found < other * 0.999).sum() > 8
    monkeypatch.undo()
    monkeypatch.setattr(substructure, "MEASURE", "UnnormalizedMeasure")
    whole = RADIUS * np.hypot(substructure.jet_px(jets), substructure.jet_py(jets))
    ratio = substructure.n_subjettiness(jets, 1, 1.0, RADIUS)[5:, 0, 0] / found[5:, 0, 0]
    # Σ pT of the constituents is a little more than the pT of the jet.
    assert (ratio > whole[5:, 0]).all()
    assert (ratio < whole[5:, 0] * 1.3).all()


def test_soft_drop_is_that_of_a_tree_made_by_hand_and_of_fastjets_own_groomer():
    jets = some_jets(36, seed=4)
    jets[::3, 1:, 0] *= 0.05
    sequence = fastjet.ClusterSequence(
        ak.zip({name: ak.flatten(as_jets(jets)[name], axis=1) for name in ("px", "py", "pz", "E")}),
        fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0),
    )
    differ = 0
    for z_cut, beta in ((0.1, 0.0), (0.2, 1.0)):
        found = substructure.soft_drop_mass(as_jets(jets), z_cut, beta, RADIUS)[:, 0]
        theirs = sequence.exclusive_jets_softdrop_grooming(1, beta=beta, symmetry_cut=z_cut, R0=RADIUS).msoftdrop
        by_hand = [soft_drop(momenta_of(jet), z_cut, beta, RADIUS) for jet in jets]
        np.testing.assert_allclose(found, by_hand, rtol=1e-6, atol=1e-4)
        np.testing.assert_allclose(found, ak.to_numpy(theirs), rtol=1e-6, atol=1e-4)
        differ += sum(abs(a - mass_of(added(*momenta_of(jet)))) > 1 for a, jet in zip(found, jets, strict=True))
    assert differ > 10


def test_jets_of_events_are_those_of_the_definition_and_the_leading_ones():
    rng = np.random.default_rng(5)
    events = np.zeros((30, 14, 3))
    for row, event in enumerate(events[1:], 1):
        n = row % 13 + 1
        event[:n] = np.column_stack([1 + rng.exponential(40, n), rng.normal(0, 1.5, n), rng.uniform(-3.1, 3.1, n)])
    jets = substructure.cluster(events[..., 0], events[..., 1], events[..., 2], 0.0, 0.7, 3)
    pt = np.hypot(substructure.jet_px(jets), substructure.jet_py(jets))
    for row, event in enumerate(events):
        momenta = momenta_of(event)
        wanted = [added(*(momenta[i] for i in members)) for members in anti_kt(momenta, 0.7)]
        wanted = [p for p in wanted if pt_of(p) > 20][:3]
        np.testing.assert_allclose(pt[row, : len(wanted)], [pt_of(p) for p in wanted], rtol=1e-9)
        assert not pt[row, len(wanted) :].any()
    assert (substructure.n_constituents(jets) > 0).sum() == (pt > 0).sum() > 30
    # The order of particles, and whether they are padded or jagged, change nothing.
    order = rng.permutation(14)
    jagged = ak.Array([[one for one in event.tolist() if one[0] > 0] or [] for event in events[:, order]])
    parts = [ak.Array([[one[i] for one in event] for event in jagged.to_list()]) for i in range(3)]
    again = substructure.cluster(*(ak.values_astype(part, "float64") for part in parts), 0.0, 0.7, 3)
    for function in (substructure.jet_px, substructure.jet_pz, substructure.jet_energy, substructure.n_constituents):
        np.testing.assert_allclose(function(again), function(jets), rtol=1e-9, atol=1e-9)


def test_events_without_particles_are_jets_of_nothing():
    nothing = np.zeros((3, 4))
    for jets in (
        substructure.cluster(nothing, nothing, nothing, 0.0, 1.0, 2),
        substructure.particles(nothing, nothing, nothing),
    ):
        assert not substructure.n_subjettiness(jets, 2, 1.0, 1.0).any()
        assert not substructure.soft_drop_mass(jets, 0.1, 0.0, 1.0).any()
        assert not substructure.jet_energy(jets).any()


def test_features_of_the_jet_that_all_objects_are():
    jets = some_jets(24, seed=6)
    jets[3] = 0
    columns = {"pt": jets[..., 0], "eta": jets[..., 1], "phi": jets[..., 2]}
    found = {name: high_level(name, columns) for name in HIGH_LEVEL if name.startswith("jet_")}
    whole = [added((0.0,) * 4, *momenta_of(jet)) for jet in jets]
    np.testing.assert_allclose(found["jet_pt"], [pt_of(p) for p in whole], rtol=1e-5)
    np.testing.assert_allclose(found["jet_mass"], [mass_of(p) for p in whole], rtol=1e-4, atol=1e-3)
    tau = substructure.n_subjettiness(as_jets(jets), 4, 1.0, 0.8)[:, 0]
    for n in (1, 2, 3, 4):
        np.testing.assert_allclose(found[f"jet_tau{n}"], tau[:, n - 1], rtol=1e-6)
    np.testing.assert_allclose(found["jet_tau32"], tau[:, 2] / (1e-5 + tau[:, 1]), rtol=1e-5)
    groomed = [soft_drop(momenta_of(jet), 0.1, 0.0, 0.8) if jet.any() else 0 for jet in jets]
    np.testing.assert_allclose(found["jet_soft_drop_mass"], groomed, rtol=1e-5, atol=1e-3)
    assert not any(values[3] for values in found.values())
    assert all(distance(p, p) == 0 for p in whole if p[3])


def test_they_are_added_to_a_converted_file_with_their_units(tmp_path):
    expected = LAYOUTS["top_tagging"].write(tmp_path / "a.h5", 1)
    names = ("jet_mass", "jet_tau21", "jet_soft_drop_mass")
    convert_files([tmp_path / "a.h5"], tmp_path / "b.h5", Request(high_level=names, chunk=13))
    slots = expected["jet_constituents"][0].astype(np.float64)
    with h5py.File(tmp_path / "b.h5") as file:
        made = file["event_features"]
        assert list(made.attrs["features"]) == list(names)
        assert list(made.attrs["units"]) == ["GeV", "", "GeV"]
        masses = [mass_of(added(*momenta_of(jet[:, :3]))) for jet in slots]
        np.testing.assert_allclose(made[:, 0], masses, rtol=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster(pt, eta, phi, 0, 0, 2)", "a radius up to 3"),
        ("cluster(pt, eta, phi, 0, 1, 0.5)", "a number of jets"),
        ("n_subjettiness(particles(pt, eta, phi), 12, 1, 1)", "N from 1 to 9"),
        ("n_subjettiness(particles(pt, eta, phi), 2, 0, 1)", "a β up to 4"),
        ("soft_drop_mass(particles(pt, eta, phi), 0.7, 0, 1)", "below 0.5"),
        ("cluster(pt, bad, phi, 0, 1, 2)", "eta of 1 particles is NaN"),
        ("cluster(flat, flat, flat, 0, 1, 2)", "lists of numbers for each entry"),
        ("cluster(pt, eta, short, 0, 1, 2)", "cannot"),
    ],
)
def test_what_cannot_be_clustered_is_one_line(text, said):
    table = some_jets(4, seed=7)
    columns = dict(zip(("pt", "eta", "phi"), np.moveaxis(table, -1, 0), strict=True))
    columns |= {"bad": columns["eta"].copy(), "flat": np.ones(4), "short": columns["phi"][:, :5]}
    columns["bad"][2, 1] = np.nan
    with pytest.raises(UserError, match=said) as raised:
        evaluate(text, columns.__getitem__)
    assert "\n" not in str(raised.value)
