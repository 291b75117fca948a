"""Dijets at particle level: what is in a jet, the columns of the LHC Olympics, and samples that a seed says all of."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.layouts.hdf5_files import pandas_fixed
from tests.layouts.jet_finding import added, least_tau, mass_of, p4, pt_of
from tests.layouts.plain import turn

from hepad.core.schema import DIJET_FEATURES
from hepad.formats import Request, convert_files
from hepad.formats import jet_substructure as substructure
from hepad.simulation import chunks, dijet_validation, production
from hepad.simulation.chunks import make_sample_chunk, read_arrays, record_type, simulate_dijet_chunk
from hepad.simulation.dijets import EVENTS_OF_CHUNK, MIN_PT, Dijets, dijet_table, leading_jets, simulate_dijets
from hepad.simulation.generator import EventRecord
from hepad.simulation.production import simulate
from hepad.simulation.sample_files import truncate_mantissa, write_sample
from hepad.simulation.settings import Settings, sample_fingerprint
from hepad.simulation.validation import validate

PHOTON, PION, NEUTRINO, MUON = 22, 211, 12, 13
SETTINGS = Settings({"qcd_dijet": 20, "wprime_dijet": 20}, seed=8)


def record_of(*events: list[tuple]) -> EventRecord:
    """Return events of (pdg, pt, eta, phi) or (pdg, pt, eta, phi, status)."""
    rows = [(*particle, 1)[:5] for event in events for particle in event]
    pdg, pt, eta, phi, status = (np.array(column) for column in zip(*rows, strict=True))
    counts = np.array([len(event) for event in events])
    return EventRecord(counts, pdg, status, np.zeros(len(pdg), dtype=int), pt=pt, eta=eta, phi=phi)


def two_clumps(seed: int, n: int = 6) -> list[list[tuple[float, float, float]]]:
    """Return pT, η and φ of the particles of two jets that are back to back, each of two prongs; the first is wider."""
    rng = np.random.default_rng(seed)
    jets = []
    for side, width in enumerate((0.35, 0.2)):
        prong = np.array([-1, 1])[np.arange(n) % 2] * width
        place = [0.4, 0.5] if side else [-0.4, 0.5 - np.pi]
        angles = np.array(place) + np.column_stack([prong, 0.6 * prong]) + rng.normal(0, 0.06, (n, 2))
        jets.append(
            [(pt, *angle) for pt, angle in zip(rng.uniform(180, 320, n).tolist(), angles.tolist(), strict=True)]
        )
    return jets


@pytest.fixture(scope="module")
def events() -> Iterator[dict[str, Dijets]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "BATCH", 40)
        yield {sample: simulate_dijet_chunk(SETTINGS, sample, 3, 20) for sample in SETTINGS.n_events}


def test_a_jet_holds_stable_visible_particles_and_nothing_else() -> None:
    seen = [(PHOTON, 700.0, 0.0, 0.0), (PION, 0.2, 0.5, 0.3), (MUON, 600.0, 0.1, 0.1), (-PION, 1250.0, 0.0, 3.1)]
    unseen = [
        (NEUTRINO, 500.0, 0.0, 0.0),
        (PION, 0.09, 0.0, 0.0),
        (PHOTON, 0.04, 0.0, 0.0),
        (21, 700.0, 0.0, 0.0, -23),
        (PHOTON, 90.0, 5.3, 0.0),
    ]
    jets = leading_jets(record_of(seen + unseen, unseen, seen[:1]))
    assert substructure.n_constituents(jets).tolist() == [[3, 1], [0, 0], [1, 0]]
    pt = np.hypot(substructure.jet_px(jets), substructure.jet_py(jets))[0]
    assert pt == pytest.approx([pt_of(added(*(p4(*one[1:]) for one in seen[:3]))), 1250.0], abs=0.1)


def test_kept_are_events_of_two_jets_with_one_above_the_threshold_and_they_keep_their_numbers() -> None:
    def event(one: float, other: float) -> list[tuple]:
        return [(PHOTON, one, 0.2, 1.0), (PHOTON, other, -0.2, -2.0)]

    hard = record_of(event(1300, 900), event(MIN_PT - 1, 1100), event(800, 1250), event(1500, 15), event(1201, 30))
    made = simulate_dijets(hard, 700)
    assert made.event.tolist() == [700, 702, 704]
    assert made.table.shape == (3, len(DIJET_FEATURES))


def test_columns_are_those_of_jets_worked_out_by_hand() -> None:
    pairs = [two_clumps(seed) for seed in range(3)]
    found = dijet_table(leading_jets(record_of(*([(PHOTON, *one) for jet in pair for one in jet] for pair in pairs))))
    for pair, row in zip(pairs, found, strict=True):
        whole = [added(*(p4(*one) for one in jet)) for jet in pair]
        heavy, light = sorted((0, 1), key=lambda i: -mass_of(whole[i]))
        masses, pts = ([of(whole[i]) for i in (heavy, light)] for of in (mass_of, pt_of))
        eta = [np.arcsinh(p[2] / pt_of(p)) for p in whole]
        angle = turn(*(float(np.arctan2(p[1], p[0])) for p in whole))
        expected = {
            "m_jj": mass_of(added(*whole)),
            "m_j1": masses[0],
            "m_j2": masses[1],
            "delta_m": masses[0] - masses[1],
            "delta_eta": abs(eta[0] - eta[1]),
            "pt_j1": pts[0],
            "pt_j2": pts[1],
            "delta_r": np.hypot(eta[0] - eta[1], angle),
        }
        columns = dict(zip(DIJET_FEATURES, row.tolist(), strict=True))
        for name, value in expected.items():
            assert columns[name] == pytest.approx(value, rel=1e-4, abs=1e-3), name
        for name, jet in (("j1", heavy), ("j2", light)):
            tau = [least_tau(pair[jet], n, 1.0) for n in (1, 2, 3)]
            assert columns[f"tau21_{name}"] == pytest.approx(tau[1] / tau[0], rel=0.02)
            # Three axes for two prongs: one pass may stay in a minimum beside the best.
            assert columns[f"tau32_{name}"] == pytest.approx(tau[2] / tau[1], rel=0.1)


def test_the_preset_for_files_of_the_lhc_olympics_makes_the_same_table_of_the_same_jets(tmp_path: Path) -> None:
    jets = leading_jets(record_of(*([(PHOTON, *p) for jet in two_clumps(seed) for p in jet] for seed in range(5, 21))))
    px, py, pz, energy = (getattr(substructure, f"jet_{name}")(jets) for name in ("px", "py", "pz", "energy"))
    mass = np.sqrt(energy**2 - px**2 - py**2 - pz**2)
    published = [px, py, pz, mass, *np.moveaxis(substructure.n_subjettiness(jets, 3, 1.0, 1.0), -1, 0)]
    names = ["px", "py", "pz", "m", "tau1", "tau2", "tau3"]
    table = np.column_stack([values[:, jet] for jet in (0, 1) for values in published])
    pandas_fixed(tmp_path / "features.h5", table, [f"{name}j{jet}" for jet in (1, 2) for name in names])
    convert_files([tmp_path / "features.h5"], tmp_path / "made.h5", Request(format="lhco_features"))
    with h5py.File(tmp_path / "made.h5") as file:
        assert tuple(file["table"].attrs["features"]) == DIJET_FEATURES
        np.testing.assert_allclose(file["table"][:], dijet_table(jets), rtol=2e-5, atol=1e-4)


def test_samples_look_like_a_resonance_and_a_falling_background(events: dict[str, Dijets]) -> None:
    column = DIJET_FEATURES.index
    for made in events.values():
        assert (made.table.dtype, made.event.dtype, len(made)) == (np.float32, np.int64, 20)
        assert np.isfinite(made.table).all()
        assert (made.table[:, [column("pt_j1"), column("pt_j2")]].max(axis=1) > MIN_PT).all()
        assert (made.table[:, column("delta_m")] >= 0).all()
        assert (np.diff(made.event) > 0).all()
        assert (made.event // EVENTS_OF_CHUNK == 3).all()
    qcd, signal = (np.median(made.table, axis=0) for made in events.values())
    assert signal[column("m_jj")] == pytest.approx(3470, abs=150)
    assert signal[column("m_j1")] == pytest.approx(505, abs=40)
    assert qcd[column("tau21_j1")] > signal[column("tau21_j1")] + 0.1


def test_pileup_changes_nothing_and_the_seed_everything(events: dict[str, Dijets]) -> None:
    one, loud, other = (Settings({"wprime_dijet": 20}, seed, mean) for seed, mean in ((8, 27.0), (8, 50.0), (9, 27.0)))
    assert sample_fingerprint(one, "wprime_dijet") == sample_fingerprint(loud, "wprime_dijet")
    assert sample_fingerprint(one, "wprime_dijet") != sample_fingerprint(other, "wprime_dijet")
    assert sample_fingerprint(one, "wprime_dijet") != sample_fingerprint(Settings({"wprime_dijet": 20}), "wprime_dijet")


def test_a_file_holds_its_chunks_as_each_is_made_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BATCH", 8)
    settings = Settings({"wprime_dijet": 7}, seed=3, chunk_size=4, mantissa_bits=14)
    parts = []
    for chunk, n in ((1, 3), (0, 4)):
        made = tmp_path / f"{chunk}.npz"
        make_sample_chunk(made, tmp_path / "no tables", settings, "print", "wprime_dijet", chunk, n)
        parts.insert(0, record_type("wprime_dijet")(**(read_arrays(made, "print") or {})))
    write_sample(tmp_path / "made.h5", settings, "wprime_dijet", parts)
    alone = simulate_dijet_chunk(settings, "wprime_dijet", 1, 3)
    with h5py.File(tmp_path / "made.h5") as file:
        assert set(file) == {"table", "event"}
        assert tuple(file["table"].attrs["features"]) == DIJET_FEATURES
        assert file["table"].dtype == np.dtype("<f4")
        np.testing.assert_array_equal(file["table"][4:], truncate_mantissa(alone.table, 14))
        np.testing.assert_array_equal(file["event"][4:], alone.event)
        np.testing.assert_array_equal(file["table"][:4], truncate_mantissa(parts[0].arrays()["table"], 14))
        assert file.attrs["sample"] == "wprime_dijet"
        assert file.attrs["source"].endswith("13 TeV, particle level without pileup")
        assert file.attrs["pileup_mean"] == 0
    monkeypatch.setattr(dijet_validation, "_PLOTS", {"m_jj": dijet_validation._PLOTS["m_jj"]})
    written = validate({"wprime_dijet": tmp_path / "made.h5"}, tmp_path / "validation")
    assert [path.name for path in written] == ["dijets.txt", "dijet_m_jj.png"]
    assert all(path.stat().st_size for path in written)


def test_tables_of_minimum_bias_are_made_only_where_an_event_has_pileup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    at_hand: list[bool] = []
    monkeypatch.setattr(production, "write_minimum_bias_tables", written.append)
    monkeypatch.setattr(production, "_make_sample", lambda *arguments: at_hand.append(arguments[3].exists()))
    simulate(Settings({"qcd_dijet": 5, "wprime_dijet": 5}), tmp_path, 1)
    assert (len(written), at_hand) == (0, [True, True])
    simulate(Settings({"qcd_dijet": 5, "ttbar": 5}), tmp_path, 1)
    assert len(written) == 1
