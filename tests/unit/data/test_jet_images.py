"""Jet images: what is read, what comes with it, what is refused."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.fat_jets import make_fat_jets, write_fat_jet_file

from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.core.schema import FAT_JET_FEATURES, ImageLabels
from hepad.data import CaloDataModule, EventsDataModule, JetImagesDataModule, JetsDataModule
from hepad.data.jet_images import jet_observables
from hepad.data.jet_preprocessing import JetImaging


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., JetImagesDataModule]:
    """Return a maker of datamodules over two small files."""
    background = write_fat_jet_file(tmp_path / "dijets.h5", n_prongs=1, seed=1)
    signal = write_fat_jet_file(tmp_path / "tops.h5", n_prongs=3, seed=2)

    def make(**settings) -> JetImagesDataModule:
        samples = {"dijets": str(background), "tops": str(signal)} | settings.pop("samples", {})
        data = JetImagesDataModule(samples=samples, background="dijets", bundled=False, **settings)
        data.setup()
        return data

    return make


def test_entries_are_images_of_the_constituents_in_the_file(made):
    data = made()
    assert data.entry_shape == (1, 40, 40)
    assert data.feature_names == ("pt",)
    entries = data.test_entries["tops"]
    with h5py.File(data.files["tops"]) as file:
        np.testing.assert_array_equal(entries.batch.x, JetImaging().images(file["jet_constituents"][:]))
        mass = file["jet_features"][:, FAT_JET_FEATURES.index("mass")]
    np.testing.assert_allclose(entries.observables["mass"], mass)
    assert set(FAT_JET_FEATURES) <= set(entries.observables)
    assert set(data.profile_features) <= set(entries.observables)


def test_every_step_is_an_option(made):
    x = made(
        n_pixels=16, half_width=1.2, center="axis", rotate=False, flip=False, normalize=False, power=0.5, min_pt=2.0
    )
    assert x.entry_shape == (1, 16, 16)
    assert x.test_entries["tops"].batch.x.max() > 1


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({}, r"Share of the jet's $p_\mathrm{T}$"),
        ({"power": 0.5}, r"(Share of the jet's $p_\mathrm{T}$)$^{0.5}$"),
        ({"normalize": False}, r"Pixel $p_\mathrm{T}$ [GeV]"),
        ({"normalize": False, "power": 2.0}, r"(Pixel $p_\mathrm{T}$ / GeV)$^{2}$"),
    ],
)
def test_pixels_are_called_what_they_are(made, settings, value):
    labels = made(**settings).image_labels
    assert labels == ImageLabels(value, r"$\Delta\eta'$ pixel", r"$\Delta\phi'$ pixel")
    assert made(rotate=False).image_labels.horizontal == r"$\Delta\eta$ pixel"


def test_the_split_and_the_limit_are_those_of_all_datamodules(made):
    data = made(limit={"dijets": 100, "tops": 30})
    assert [len(part) for part in (data.split.train, data.split.val, data.split.test)] == [60, 20, 20]
    assert len(data.test_entries["tops"]) == 30


def test_baselines_are_pt_multiplicity_mass_and_distance(made):
    data = made()
    entries = data.test_entries["tops"]
    found = data.baselines(entries)
    assert set(found) == {"sum_pt", "multiplicity", "mass", "distance_to_mean"}
    mean = data.train_entries.batch.x.numpy().mean(axis=0)
    expected = ((entries.batch.x.numpy() - mean) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found["distance_to_mean"], expected, rtol=1e-4)
    np.testing.assert_array_equal(found["sum_pt"], entries.observables["pt"])


def test_without_features_in_the_file_they_come_from_the_constituents(made, tmp_path):
    path = write_fat_jet_file(tmp_path / "bare.h5", features=False)
    found = made(samples={"tops": str(path)}).test_entries["tops"].observables
    assert {"pt", "eta", "phi", "mass", "nConstituents"} == set(found)


def test_observables_of_a_known_jet():
    jet = np.zeros((1, 4, 3), dtype=np.float32)
    # Two massless particles of pT 100 at η = 0, 0.6 apart in φ across the seam: m² = 2 pT² (1 − cos Δφ).
    jet[0, :2] = [[100, 0, np.pi - 0.3], [100, 0, -np.pi + 0.3]]
    found = jet_observables(jet)
    assert found["mass"][0] == pytest.approx(np.sqrt(2 * 100**2 * (1 - np.cos(0.6))), rel=1e-5)
    assert found["pt"][0] == pytest.approx(200 * np.cos(0.3), rel=1e-5)
    assert abs(found["phi"][0]) == pytest.approx(np.pi, abs=1e-5)
    assert found["nConstituents"][0] == 2


def test_ready_made_images_are_taken_as_they_are(tmp_path):
    images = np.random.default_rng(0).random((50, 12, 12)).astype(np.float32)
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["jet_images"] = images
    data = JetImagesDataModule(samples={"mine": str(tmp_path / "images.h5")}, background="mine", bundled=False)
    data.setup()
    np.testing.assert_array_equal(data.train_entries.batch.x[:, 0], images[data.split.train])
    assert set(data.baselines(data.val_entries)) == {"sum_pt", "multiplicity", "distance_to_mean"}
    assert data.image_labels.value == "Pixel value"


def test_what_an_entry_is_the_background_says_not_a_sample_of_ready_made_images(tmp_path):
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file["jet_images"] = rng.random((50, 40, 40)).astype(np.float32)
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["jet_constituents"] = np.abs(rng.normal(size=(50, 6, 3))).astype(np.float32)
        file["jet_constituents"].attrs["features"] = ["pt", "eta", "phi"]
    files = {name: str(tmp_path / f"{name}.h5") for name in ("jets", "made")}
    both = JetImagesDataModule(samples=files, background="jets", bundled=False)
    alone = JetImagesDataModule(samples={"jets": files["jets"]}, background="jets", bundled=False)
    both.setup()
    alone.setup()
    assert both.entry_definition == alone.entry_definition
    assert "power" in both.entry_definition


def test_bundled_samples_are_offered_to_those_who_can_read_them():
    fat = {"qcd_jets", "top_jets"}
    assert fat <= set(bundled_files())
    assert set(JetImagesDataModule(samples={}, background="qcd_jets").files) == fat
    for kind in (JetsDataModule, EventsDataModule, CaloDataModule):
        assert not fat & set(kind(samples={}, background="zero_bias").files)


def test_broken_jets_are_refused_or_left_out(made, tmp_path):
    path = write_fat_jet_file(tmp_path / "broken.h5")
    with h5py.File(path, "r+") as file:
        file["jet_constituents"][3, 0, 0] = np.nan
        file["jet_constituents"][5, 2, 2] = np.inf
    with pytest.raises(UserError, match="2 of 200 entries of tops hold NaN or inf"):
        made(samples={"tops": str(path)})
    data = made(samples={"tops": str(path)}, on_nonfinite="drop")
    assert data.test_entries["tops"].dropped == 2
    assert len(data.test_entries["tops"]) == 198


def test_jets_without_constituents_are_refused(made, tmp_path):
    path = write_fat_jet_file(tmp_path / "hollow.h5")
    with h5py.File(path, "r+") as file:
        file["jet_constituents"][7] = 0
    with pytest.raises(UserError, match="1 of 200 jets of sample tops have no constituent with pT > 0 GeV"):
        made(samples={"tops": str(path)})


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "no data set 'jet_constituents'"),
        ({"jet_event_data": np.ones((20, 8, 17))}, "no data set 'jet_constituents'"),
        ({"jet_constituents": np.ones((20, 3))}, r"\(jets, constituents, features\) is needed"),
        ({"jet_constituents": np.ones((0, 10, 3))}, "is empty"),
        ({"jet_constituents": np.ones((20, 10, 4))}, "no attribute 'features'"),
        ({"jet_constituents": np.ones((20, 10, 3)), "jet_features": np.ones((5, 8))}, "5 rows for 20 jets"),
        ({"jet_images": np.ones((20, 40))}, "is needed"),
    ],
)
def test_files_of_another_kind_are_refused(made, tmp_path, arrays, said):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    with pytest.raises(UserError, match=said):
        made(samples={"tops": str(path)})


def test_columns_are_found_by_name(made, tmp_path):
    constituents = make_fat_jets(200, n_prongs=3, seed=2)
    with h5py.File(tmp_path / "named.h5", "w") as file:
        file["jet_constituents"] = constituents[..., [2, 0, 1]]
        file["jet_constituents"].attrs["features"] = ["phi", "pt", "eta"]
    named = made(samples={"tops": str(tmp_path / "named.h5")}).test_entries["tops"]
    np.testing.assert_array_equal(named.batch.x, made().test_entries["tops"].batch.x)
    with h5py.File(tmp_path / "named.h5", "r+") as file:
        file["jet_constituents"].attrs["features"] = ["phi", "pt", "y"]
    with pytest.raises(UserError, match="has no feature eta; it has: phi, pt, y"):
        made(samples={"tops": str(tmp_path / "named.h5")})
