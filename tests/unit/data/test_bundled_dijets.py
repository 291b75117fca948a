"""`data=dijets`: the bundled samples of a resonant search, and files of the LHC Olympics in their place."""

import h5py
import numpy as np
import pytest
import torch
from tests.every_model import composed
from tests.layouts import LAYOUTS

from hepad.bundled import bundled_files
from hepad.config import RunConfig, compose
from hepad.core.schema import DIJET_FEATURES
from hepad.data import AnomalyDataModule, TableDataModule
from hepad.data.injection import split_search_rows
from hepad.formats import inspect_file
from hepad.formats.preset import read_preset
from hepad.run.building import build_data, build_model

SAMPLES = ("qcd_dijet", "wprime_dijet")
LABELS = ["{sample: wprime_dijet, label: 1}", "{sample: qcd_dijet, label: 0}"]
WITH_ROLES = {"classifier", "trees"}
# Of each way to train one; tests/every_model.py has all of them on a table.
MODELS = ("dense_ae", "vae", "flow", "classifier", "trees", "isolation_forest")


def columns_of(sample: str) -> dict[str, np.ndarray]:
    with h5py.File(bundled_files()[sample]) as file:
        return dict(zip(file["table"].attrs["features"], file["table"][:].T, strict=True))


@pytest.fixture(scope="module")
def qcd() -> dict[str, np.ndarray]:
    return columns_of("qcd_dijet")


@pytest.fixture(scope="module")
def signal() -> dict[str, np.ndarray]:
    return columns_of("wprime_dijet")


def data_of(*words: str) -> AnomalyDataModule:
    return build_data(RunConfig.of(compose("train", ["data=dijets", "model=dense_ae", "paths.run=run", *words])))


def test_files_are_small_and_hold_what_hepad_says_of_its_files() -> None:
    assert sum(bundled_files()[sample].stat().st_size for sample in SAMPLES) <= 3e6
    for sample in SAMPLES:
        with h5py.File(bundled_files()[sample]) as file:
            table, event = file["table"], file["event"][:]
            assert tuple(table.attrs["features"]) == DIJET_FEATURES
            assert table.dtype == np.dtype("<f4")
            assert len(np.unique(event)) == len(event) == len(table)
            assert np.isfinite(table[:]).all()
            assert len(np.unique(table[:], axis=0)) == len(table)
            facts = dict(file.attrs)
        assert (facts["sample"], facts["seed"], facts["mantissa_bits"], facts["pileup_mean"]) == (sample, 2016, 14, 0)
        assert "particle level without pileup" in facts["source"]
        assert inspect_file(bundled_files()[sample]).format == "HDF5 file of hepad"


def test_columns_are_those_of_the_preset_for_published_files() -> None:
    assert tuple(read_preset("lhco_features").tables["table"]) == DIJET_FEATURES


def test_numbers_agree_among_themselves_to_one_in_ten_thousand(qcd, signal) -> None:
    for columns in (qcd, signal):
        np.testing.assert_allclose(columns["m_j1"] - columns["m_j2"], columns["delta_m"], rtol=1e-4, atol=0.1)
        assert (columns["m_j1"] >= columns["m_j2"]).all()
        assert np.maximum(columns["pt_j1"], columns["pt_j2"]).min() >= 1200 * (1 - 1e-4)
        assert (columns["delta_r"] >= columns["delta_eta"]).all()
        # Two massless jets back to back would have 2 pT cosh(Δη / 2).
        m_jj = 2 * np.sqrt(columns["pt_j1"] * columns["pt_j2"]) * np.cosh(columns["delta_eta"] / 2)
        assert np.median(columns["m_jj"] / m_jj) == pytest.approx(1, abs=0.05)


def test_background_falls_where_a_search_looks_and_the_resonance_stands_where_it_was_put(qcd, signal) -> None:
    counts, _ = np.histogram(qcd["m_jj"], np.arange(2900, 4601, 100))
    assert (np.diff(counts) < 0).all()
    assert counts[0] > 5 * counts[-1]
    in_region = {len(c["m_jj"]): ((c["m_jj"] >= 3300) & (c["m_jj"] < 3700)).mean() for c in (qcd, signal)}
    shares = list(in_region.values())
    assert 0.15 < shares[0] < 0.25
    assert shares[1] > 0.5
    peaks = {
        name: np.histogram(signal[name], np.arange(0, 6000, width)) for name, width in (("m_jj", 100), ("m_j1", 20))
    }
    assert peaks["m_jj"][1][peaks["m_jj"][0].argmax()] in (3400, 3500)
    assert peaks["m_j1"][1][peaks["m_j1"][0].argmax()] == 500
    assert 95 < np.quantile(signal["m_j2"], 0.16) < 125
    for name in ("tau21_j1", "tau21_j2"):
        assert np.median(signal[name]) < np.median(qcd[name]) - 0.25


def test_qcd_is_the_background_and_the_mass_an_observable_that_is_no_feature() -> None:
    data = data_of("data.limit=2000")
    assert list(data.test_entries) == list(SAMPLES)
    assert data.feature_names == ("m_j2", "delta_m", "tau21_j2", "tau21_j1")
    assert data.entry_shape == (4,)
    assert data.train_entries.batch.context is None
    m_jj = data.train_entries.observables["m_jj"]
    with h5py.File(bundled_files()["qcd_dijet"]) as file:
        np.testing.assert_array_equal(m_jj, file["table"][:2000, 0][data.train_entries.index])
    inside = data.regions["signal"].holds(data.train_entries.observables)
    beside = data.regions["sidebands"].holds(data.train_entries.observables)
    np.testing.assert_array_equal(inside, (m_jj >= 3300) & (m_jj < 3700))
    assert not (inside & beside).any()
    assert beside.sum() > inside.sum() > 100


def test_no_other_data_have_another_sample_for_it() -> None:
    data = TableDataModule(samples={}, background="zero_bias")
    assert not set(SAMPLES) & set(data.files)
    assert set(data_of("data.limit=100").files) == set(SAMPLES)


@pytest.mark.parametrize("model", MODELS)
def test_models_take_them(model: str) -> None:
    roles = [f"data.train=[{','.join(LABELS)}]"] if model in WITH_ROLES else []
    context = ["data.context=[m_jj]"] if model == "flow" else []
    config = RunConfig.of(
        composed("data=dijets", f"model={model}", "data.limit=300", "paths.run=run", *roles, *context)
    )
    data = build_data(config)
    torch.manual_seed(0)
    built = build_model(config, data).eval()
    batch = data.test_entries["wprime_dijet"].batch
    assert (batch.context is not None) == bool(context)
    scores = built.anomaly_score(batch)
    assert scores.shape == (len(batch.x),)
    assert torch.isfinite(scores).all()


def test_signal_is_mixed_in_by_a_fraction_and_the_rest_of_it_tested() -> None:
    word = "data.contamination={sample: wprime_dijet, fraction: 0.01}"
    one, again, more = (data_of("data.limit=5000", text) for text in (word, word, word.replace("0.01", "0.02")))
    facts = one.contamination_facts()
    assert facts == {"sample": "wprime_dijet", "fraction": 0.01, "trained": 30, "validated": 10}
    rows = [data.role_entries[-1].train_rows for data in (one, again, more)]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert set(rows[0]) < set(rows[2])
    assert not set(rows[2]) & set(more.test_entries["wprime_dijet"].index)


def test_published_files_of_the_lhc_olympics_stand_beside_or_in_place_of_them(tmp_path) -> None:
    path = tmp_path / "features.h5"
    expected = LAYOUTS["lhco_features"].write(path, 3)
    words = [f"++data.samples.lhco={path}", "data.limit=500"]
    data = data_of(*words)
    assert list(data.test_entries) == ["qcd_dijet", "wprime_dijet", "lhco", "lhco_signal"]
    instead = data_of(*words, "data.bundled=false", "data.background=lhco")
    assert instead.feature_names == data.feature_names
    table, names = expected["table"]
    found = instead.train_entries
    np.testing.assert_allclose(found.observables["m_jj"], table[found.index, names.index("m_jj")], rtol=2e-5)
    np.testing.assert_allclose(found.batch.x[:, 1], table[found.index, names.index("delta_m")], rtol=2e-5, atol=1e-3)


def test_rows_of_a_search_are_dealt_out_of_them_with_as_much_signal_in_the_region_as_their_number_says(qcd, signal):
    rows = split_search_rows(len(qcd["m_jj"]), len(signal["m_jj"]), injected=500, seed=1)
    share = ((signal["m_jj"] >= 3300) & (signal["m_jj"] < 3700)).mean()
    there = signal["m_jj"][rows.injected]
    n = ((there >= 3300) & (there < 3700)).sum()
    assert abs(n - 500 * share) < 4 * np.sqrt(500 * share * (1 - share))
    halves = [((qcd["m_jj"][part] >= 3300) & (qcd["m_jj"][part] < 3700)).mean() for part in (rows.data, rows.extra)]
    assert halves[0] == pytest.approx(halves[1], abs=4 * np.sqrt(0.8 * 0.2 * 4 / len(qcd["m_jj"])))
