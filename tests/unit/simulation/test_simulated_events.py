"""Real top-pair events with real pileup: everything that the format and the field promise of them."""

from collections.abc import Callable

import numpy as np
import pytest

from hepad.core.schema import CALO_SHAPE, EVENT_FEATURES, JET_FEATURES, N_JETS
from hepad.simulation.event import Events, simulate_events
from hepad.simulation.pileup import Collisions


def jets_of(events: Events) -> dict[str, np.ndarray]:
    real = events.jets[events.jets[..., 0] > 0]
    return dict(zip(JET_FEATURES, real.T, strict=True))


def test_shapes_and_types_are_those_of_the_schema(top_events: Events) -> None:
    n = len(top_events)
    assert n == 100
    assert top_events.jets.shape == (n, N_JETS, len(JET_FEATURES))
    assert top_events.jets.dtype == np.float32
    assert top_events.regions.shape == (n, *CALO_SHAPE)
    assert top_events.regions.dtype == np.uint16
    assert top_events.features.shape == (n, len(EVENT_FEATURES))
    assert np.isfinite(top_events.jets).all()
    assert np.isfinite(top_events.features).all()


def test_jets_fall_in_pt_and_empty_slots_are_zero(top_events: Events) -> None:
    pt = top_events.jets[..., 0]
    assert (np.diff(pt, axis=1) <= 0).all()
    assert (top_events.jets[pt == 0] == 0).all()
    assert (pt[pt > 0] >= 15).all()
    np.testing.assert_array_equal(top_events.jet_flavour == -1, pt == 0)


def test_features_are_within_their_ranges(top_events: Events) -> None:
    jet = jets_of(top_events)
    assert (np.abs(jet["eta"]) <= 4.7).all()
    assert (np.abs(jet["phi"]) <= np.pi + 1e-6).all()
    assert (jet["mass"] >= 0).all()
    assert (jet["nConstituents"] >= 1).all()
    assert (jet["nElectrons"] + jet["nMuons"] <= jet["nConstituents"]).all()
    assert (jet["chHEF"] + jet["neHEF"] <= 1 + 1e-5).all()
    assert (jet["chHEF"] >= 0).all()
    assert jet["area"].mean() == pytest.approx(0.5, abs=0.02)
    for name in JET_FEATURES:
        if name.startswith("btag"):
            assert (((jet[name] >= 0) & (jet[name] <= 1)) | (jet[name] == -1)).all()


def test_top_pairs_look_like_top_pairs(top_events: Events) -> None:
    jet = jets_of(top_events)
    n_jets = (top_events.jets[..., 0] > 0).sum(axis=1).mean()
    assert n_jets == pytest.approx(7.22, rel=1 / 3)
    central = np.abs(jet["eta"]) < 2.0
    assert jet["chHEF"][central].mean() == pytest.approx(0.55, abs=0.1)
    assert jet["chHEF"][np.abs(jet["eta"]) > 3].max() < 0.05
    assert 1.2 < (top_events.jet_flavour == 5).sum(axis=1).mean() < 2.2
    assert top_events.feature("n_pileup").mean() == pytest.approx(27, abs=3)
    assert (top_events.feature("n_vertices") <= top_events.feature("n_pileup") + 1).all()
    assert 15 < top_events.feature("met").mean() < 100


def test_ht_is_the_sum_of_central_jets(top_events: Events) -> None:
    pt, eta = top_events.jets[..., 0], top_events.jets[..., 1]
    leading = np.where((pt > 30) & (np.abs(eta) < 2.5), pt, 0).sum(axis=1)
    few = top_events.feature("n_jets") <= N_JETS
    np.testing.assert_allclose(top_events.feature("ht")[few], leading[few], rtol=1e-5)
    assert (top_events.feature("ht") >= leading * (1 - 1e-5)).all()


def test_pileup_only_events_are_quiet(pileup: Callable[[np.ndarray], Collisions], top_events: Events) -> None:
    rng = np.random.default_rng(2)
    n_pileup = rng.poisson(27, 100)
    quiet = simulate_events(None, pileup(n_pileup), n_pileup, rng)
    n_jets = (quiet.jets[..., 0] > 0).sum(axis=1).mean()
    assert 0.3 < n_jets < 2.0
    assert quiet.regions.mean() < top_events.regions.mean()
    assert quiet.feature("n_vertices").mean() == pytest.approx(22.5, abs=2)


def test_an_event_without_any_collision_is_empty(pool: Collisions) -> None:
    empty = simulate_events(None, pool.take(np.arange(0)), np.array([0, 0]), np.random.default_rng(0))
    assert (empty.jets == 0).all()
    assert (empty.regions == 0).all()
    assert (empty.features == 0).all()


def test_the_random_generator_decides_the_detector(pool: Collisions, top_pairs: Collisions) -> None:
    few, laid = top_pairs.take(np.arange(10)), pool.take(np.arange(50))
    first, again = (simulate_events(few, laid, np.full(10, 5), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first.jets, again.jets)
    np.testing.assert_array_equal(first.regions, again.regions)


def test_trigger_columns_are_those_of_the_regions(top_events: Events) -> None:
    regions = top_events.regions.astype(int)
    np.testing.assert_array_equal(top_events.feature("l1_sum_et"), regions.sum(axis=(1, 2)))
    event = int(top_events.feature("l1_jet_et").argmax())
    windows = [
        sum(regions[event, (row + i) % 18, column + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if 0 <= column + j < 14)
        for row in range(18)
        for column in range(14)
    ]
    assert top_events.feature("l1_jet_et")[event] == max(windows)
