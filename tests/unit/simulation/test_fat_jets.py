"""Real fat jets with real pileup: what the samples of jet images promise."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad.core.schema import (
    CONSTITUENT_FEATURES,
    FAT_JET_FEATURES,
    JET_CONSTITUENTS_DATASET,
    JET_FEATURES_DATASET,
    N_CONSTITUENTS,
)
from hepad.simulation.chunks import simulate_chunk
from hepad.simulation.fat_jets import MAX_ABS_ETA, PT_RANGE, FatJets, HadronicTops, hadronic_tops, holds_top
from hepad.simulation.generator import EventRecord, generate_records, make_pythia
from hepad.simulation.pileup import PileupSource
from hepad.simulation.processes import PROCESSES
from hepad.simulation.production import simulate
from hepad.simulation.settings import Settings
from hepad.simulation.validation import validate

SETTINGS = Settings({"qcd_jets": 30, "top_jets": 30}, seed=8)


def make(sample: str, pileup: PileupSource) -> FatJets:
    made = simulate_chunk(SETTINGS, sample, 0, 30, pileup)
    assert isinstance(made, FatJets)
    return made


@pytest.fixture(scope="module")
def qcd(pileup_source: Callable[[], PileupSource]) -> FatJets:
    return make("qcd_jets", pileup_source())


@pytest.fixture(scope="module")
def top(pileup_source: Callable[[], PileupSource]) -> FatJets:
    return make("top_jets", pileup_source())


@pytest.fixture(scope="module", params=["qcd", "top"])
def jets(request: pytest.FixtureRequest) -> FatJets:
    found: FatJets = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def record() -> EventRecord:
    return generate_records(make_pythia(PROCESSES["top_jets"].settings, seed=4), 40)


def column(jets: FatJets, name: str) -> np.ndarray:
    values: np.ndarray = jets.features[:, FAT_JET_FEATURES.index(name)]
    return values


def test_shapes_and_types_are_those_of_the_schema(jets: FatJets) -> None:
    assert len(jets) == 30
    assert jets.constituents.shape == (30, N_CONSTITUENTS, len(CONSTITUENT_FEATURES))
    assert jets.features.shape == (30, len(FAT_JET_FEATURES))
    assert jets.constituents.dtype == jets.features.dtype == np.float32
    assert np.isfinite(jets.constituents).all()


def test_jets_are_in_their_window(jets: FatJets) -> None:
    assert ((column(jets, "pt") > PT_RANGE[0]) & (column(jets, "pt") < PT_RANGE[1])).all()
    assert (np.abs(column(jets, "eta")) < MAX_ABS_ETA).all()
    assert column(jets, "area").mean() == pytest.approx(np.pi * 0.8**2, rel=0.05)
    assert column(jets, "n_pileup").mean() == pytest.approx(27, abs=4)


def test_constituents_fall_in_pt_and_make_up_their_jet(jets: FatJets) -> None:
    pt, eta, phi = np.moveaxis(jets.constituents.astype(np.float64), -1, 0)
    assert (np.diff(pt, axis=1) <= 0).all()
    assert (jets.constituents[pt == 0] == 0).all()
    n = column(jets, "nConstituents")
    np.testing.assert_array_equal((pt > 0).sum(axis=1), np.minimum(n, N_CONSTITUENTS))
    turned = (phi - column(jets, "phi")[:, None] + np.pi) % (2 * np.pi) - np.pi
    distance = np.hypot(eta - column(jets, "eta")[:, None], turned)
    # Anti-kT jets are round unless another jet is near; none reaches beyond 2 R.
    assert np.quantile(distance[pt > 0], 0.99) < 0.9
    assert distance[pt > 0].max() < 1.6
    p = np.array([(pt * np.cos(phi)).sum(1), (pt * np.sin(phi)).sum(1)])
    # Up to the energy scale, and a few soft particles beyond the last slot.
    np.testing.assert_allclose(np.hypot(*p), column(jets, "pt"), rtol=0.08)
    np.testing.assert_allclose(np.arctan2(p[1], p[0]), column(jets, "phi"), atol=0.01)


def test_top_jets_have_the_mass_of_a_top_and_dijets_have_not(qcd: FatJets, top: FatJets) -> None:
    assert np.median(column(top, "mass")) == pytest.approx(173, abs=12)
    assert np.median(column(qcd, "mass")) < 110
    assert column(top, "nConstituents").mean() > column(qcd, "nConstituents").mean()


@pytest.mark.thorough
def test_the_same_seed_makes_the_same_jets(top: FatJets, pileup_source: Callable[[], PileupSource]) -> None:
    again = make("top_jets", pileup_source())
    np.testing.assert_array_equal(again.constituents, top.constituents)
    np.testing.assert_array_equal(again.features, top.features)


def test_every_event_has_two_tops_whose_quarks_add_up(record: EventRecord) -> None:
    tops = hadronic_tops(record)
    np.testing.assert_array_equal(tops.event, np.repeat(np.arange(40), 2))
    first = np.cumsum(record.counts) - record.counts
    place: dict[tuple[float, float], int] = {}
    for i, (eta, phi) in enumerate(zip(record.eta, record.phi, strict=True)):
        place.setdefault((eta, phi), i)
    for event, eta, phi in zip(tops.event, tops.eta, tops.phi, strict=True):
        top, *quarks = (place[key] for key in zip(eta, phi, strict=True))
        assert top >= first[event]
        assert abs(record.pdg[top]) == 6
        flavours = sorted(abs(record.pdg[quark]) for quark in quarks)
        assert flavours[-1] == 5
        px, py = (sum(record.pt[q] * f(record.phi[q]) for q in quarks) for f in (np.cos, np.sin))
        # Not exactly: gluons radiated by the decaying top take their share.
        assert np.hypot(px, py) == pytest.approx(record.pt[top], rel=0.2)


def test_leptonic_tops_are_not_found() -> None:
    settings = ("Top:gg2ttbar = on", "24:onMode = off", "24:onIfAny = 11 13")
    assert len(hadronic_tops(generate_records(make_pythia(settings, seed=1), 5)).event) == 0


def test_a_jet_holds_a_top_only_with_all_its_quarks_in_its_own_event() -> None:
    near, far = [0.0, 0.1, -0.2, 0.3], [0.0, 0.1, -0.2, 0.9]
    tops = HadronicTops(
        event=np.array([0, 1, 2]), eta=np.array([near, far, near]), phi=np.array([near, near, near]) + 3.1
    )
    event = np.array([0, 1, 2, 3])
    phi = np.array([3.1, 3.1, 3.1 - 2 * np.pi, 3.1])
    assert holds_top(event, np.zeros(4), phi, tops).tolist() == [True, False, True, False]


@pytest.mark.thorough
def test_files_hold_jets_and_no_events(tmp_path: Path, tables_at_hand: None) -> None:
    # One chunk, without pileup: that workers change nothing is test_production's to say, for any sample.
    settings = Settings({"qcd_jets": 5}, seed=3, pileup_mean=0.0, chunk_size=5, mantissa_bits=12)
    made = simulate(settings, tmp_path, 1)["qcd_jets"]
    with h5py.File(made) as file:
        assert set(file) == {JET_CONSTITUENTS_DATASET, JET_FEATURES_DATASET}
        assert file[JET_CONSTITUENTS_DATASET].shape == (5, N_CONSTITUENTS, 3)
        assert file[JET_CONSTITUENTS_DATASET].dtype == np.dtype("<f4")
        assert tuple(file[JET_CONSTITUENTS_DATASET].attrs["features"]) == CONSTITUENT_FEATURES
        assert tuple(file[JET_FEATURES_DATASET].attrs["features"]) == FAT_JET_FEATURES
        assert file.attrs["sample"] == "qcd_jets"
    written = validate({"qcd_jets": made}, tmp_path / "validation")
    assert {path.name for path in written} >= {"fat_jets.txt", "fat_jet_mass.png", "fat_jet_width.png"}
    assert all(path.stat().st_size for path in written)
