"""What `data=` may be: the words that it becomes, the files that stand for memory, and what is refused."""

import awkward as ak
import h5py
import numpy as np
import pytest
from tests.conftest import write_image_file, write_jet_file

from hepad.core.errors import UserError
from hepad.data import EventsDataModule, TableDataModule
from hepad.python.given_data import add_data
from hepad.python.memory_samples import memory_samples, write_sample
from hepad.python.words import Settings, read_settings

RNG = np.random.default_rng(0)
VECTORS, SETS, IMAGES = RNG.random((20, 3)), RNG.random((20, 4, 3)), RNG.random((20, 1, 6, 5))


def words(data, *given, structures=None, **settings):
    found = read_settings(given, settings)
    add_data(found, data, structures)
    return {word.partition("=")[0]: word.partition("=")[2] for word in found.words}


@pytest.mark.parametrize(
    ("data", "structures", "kind", "model"),
    [
        (VECTORS, None, "table", "dense_ae"),
        (SETS, None, "events", "td_ae"),
        (SETS, frozenset({"vector"}), "jets", "dense_ae"),
        (SETS, frozenset({"vector", "set"}), "events", "td_ae"),
        (IMAGES, None, "calo", "conv_ae"),
    ],
)
def test_arrays_choose_the_kind_of_data_and_a_model(data, structures, kind, model):
    found = words(data, structures=structures)
    assert (found["data"], found["model"], found["data.background"]) == (kind, model, "background")
    assert ("data.periodic_phi" in found) == (kind == "calo")


def test_what_the_user_says_goes_first():
    found = words({"a": SETS, "b": SETS}, "data=jets", "model=vae", "data.background=b")
    assert (found["data"], found["model"], found["data.background"]) == ("jets", "vae", "b")
    assert words(RNG.random((4, 1, 18, 14))).keys() & {"data.periodic_phi", "data.augment_eta"} == set()


def test_names_of_data_configs_and_files(tmp_path):
    assert words("jets") == {"data": "jets"}
    jets, images = write_jet_file(tmp_path / "a.h5", 20), write_image_file(tmp_path / "b.h5", 20)
    assert words(jets)["data"] == "jets"
    assert words(jets, structures=frozenset({"set"}))["data"] == "events"
    assert words({"x": images, "y": None})["data"] == "calo"
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    found = words({"x": {"train": tmp_path / "c.csv", "test": [tmp_path / "c.csv"]}})
    assert (found["data"], found["data.background"]) == ("table", "x")
    assert found["data.samples.x"] == f"{{train:'{tmp_path}/c.csv',test:['{tmp_path}/c.csv']}}"


def test_a_mapping_of_columns_is_one_sample():
    found = words({"pt": VECTORS[:, 0], "eta": VECTORS[:, 1]})
    assert found["data.background"] == "background"
    with h5py.File(found["data.samples.background"].strip("'")) as file:
        assert list(file["table"].attrs["features"]) == ["pt", "eta"]


def test_a_datamodule_reads_the_very_entries(tmp_path):
    jets = ak.Array([[{"pt": 20.0 + i, "eta": 0.5}] * (1 + i % 3) for i in range(20)])
    [sample, other] = memory_samples({"a": jets, "b": jets[:, :1]})
    files = {one.name: str(write_sample(one, "events", tmp_path)) for one in (sample, other)}
    data = EventsDataModule(samples=files, background="a", bundled=False)
    data.setup()
    batch = data.test_entries["b"].batch
    np.testing.assert_array_equal(batch.x.numpy(), other.x)
    np.testing.assert_array_equal(batch.mask.numpy(), other.mask)
    assert data.feature_names == ("pt", "eta")


def test_one_file_for_one_content_and_weights_beside_it(tmp_path):
    [sample] = memory_samples({"a": VECTORS}, ["x", "y", "z"], {"a": np.arange(20)})
    path = write_sample(sample, "table", tmp_path)
    assert write_sample(sample, "table", tmp_path) == path
    [plain] = memory_samples({"a": VECTORS}, ["x", "y", "z"])
    assert write_sample(plain, "table", tmp_path) != path
    data = TableDataModule(samples={"a": str(path)}, background="a", bundled=False)
    data.setup()
    np.testing.assert_array_equal(np.sort(data.train_entries.batch.weight), np.sort(data.train_entries.index))


NAN = VECTORS.copy()
NAN[3, 1] = np.nan


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("jetz", r"data='jetz': neither a file nor a data config; did you mean 'jets'\? allowed: adc2021"),
        ("no/such.h5", r"no file no/such\.h5"),
        ({}, "no samples"),
        ({"batch_size": 64}, r"'batch_size' names a sample, not a setting; .* data__batch_size=64"),
        ({"a b": VECTORS}, "sample 'a b': 1 to 64 letters"),
        (RNG.random(5), r"sample background has shape \(5,\)"),
        (NAN, "1 of 20 entries of background hold NaN or inf, the first in row 3"),
        ({"a": VECTORS, "b": [["x"]]}, "sample b: entries: numbers are needed"),
    ],
)
def test_data_that_cannot_be_used_are_told_before_anything_is_written(data, said, tmp_path, monkeypatch):
    monkeypatch.setenv("HEPAD_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=said):
        add_data(Settings(), data, None)
    assert not list(tmp_path.iterdir())


def test_nan_may_be_dropped_and_images_are_no_table():
    assert "data.samples.background" in words(NAN, "data.on_nonfinite=drop")
    with pytest.raises(UserError, match=r"data=table takes no entries of shape \(1, 6, 5\) in memory"):
        words(IMAGES, "data=table")
