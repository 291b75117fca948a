"""A user's own file of jets: its columns, its empty slots, and no more of it than is needed."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import make_jets

from hepad.core.errors import UserError
from hepad.core.hdf5 import datasets as hdf5_datasets
from hepad.data import CaloDataModule, EventsDataModule, JetImagesDataModule, JetsDataModule, memory


def write(path, values, names, mask=None, **settings):
    with h5py.File(path, "w") as file:
        file.create_dataset("jet_event_data", data=np.asarray(values, dtype="f4"), **settings)
        file["jet_event_data"].attrs["features"] = list(names)
        if mask is not None:
            file["mask"] = mask
    return str(path)


def jets_of(samples, kind=JetsDataModule, **settings):
    data = kind(samples=samples, background="mine", bundled=False, **settings)
    data.setup()
    return data


def n_entries(data):
    return len(data.train_entries) + len(data.val_entries) + len(data.test_entries["mine"])


@pytest.mark.parametrize("kind", [JetsDataModule, EventsDataModule])
def test_the_columns_are_those_of_the_background_and_are_found_by_name(tmp_path, kind):
    mine = make_jets(60, 3.0, 20.0, seed=1)[..., :4]
    other = make_jets(60, 3.0, 40.0, seed=2)[..., :5]
    samples = {
        "mine": write(tmp_path / "mine.h5", mine, ["pt", "eta", "phi", "charge"]),
        "signal": write(tmp_path / "signal.h5", other[..., [3, 4, 0, 2, 1]], ["charge", "more", "pt", "phi", "eta"]),
    }
    data = jets_of(samples, kind)
    assert data.feature_names == ("pt", "eta", "phi", "charge")
    assert data.entry_shape[-1] == 4
    found = data.test_entries["signal"].batch.x.reshape(-1, 4)
    expected = other[..., :4][other[..., 0] > 0] if kind is JetsDataModule else other[..., :4].reshape(-1, 4)
    torch.testing.assert_close(found, torch.from_numpy(np.ascontiguousarray(expected)), rtol=0, atol=0)
    lacking = write(tmp_path / "lacking.h5", mine[..., :3], ["pt", "eta", "phi"])
    with pytest.raises(UserError, match=r"has no feature charge; .*data\.features=\[pt,eta,phi\] takes"):
        jets_of({**samples, "signal": lacking}, kind)


def standardised(seed=0):
    return np.random.default_rng(seed).normal(size=(50, 3, 2))


def test_without_a_pt_every_slot_counts(tmp_path):
    data = jets_of({"mine": write(tmp_path / "x.h5", standardised(), ["a", "b"])})
    assert n_entries(data) == 150
    assert data.train_entries.left_out == {}


def test_standardised_pt_is_refused_unless_the_user_says_what_is_empty(tmp_path):
    path = write(tmp_path / "x.h5", standardised(), ["pt", "eta"])
    for kind in (JetsDataModule, EventsDataModule):
        with pytest.raises(UserError, match=r"'pt' has several values up to 0.*mask.*data\.padding=none"):
            jets_of({"mine": path}, kind)
        data = jets_of({"mine": path}, kind, padding="none")
        assert data.train_entries.left_out == {}
    assert n_entries(jets_of({"mine": path}, padding="none")) == 150
    kept = int((standardised().astype("f4")[..., 0] > 0).sum())
    by_column = jets_of({"mine": path}, padding="pt")
    assert n_entries(by_column) == kept
    assert by_column.train_entries.left_out == {"empty slots": 150 - kept}


@pytest.mark.parametrize("kind", ["?", "u1", "f4"])
def test_a_mask_tells_empty_slots(tmp_path, kind):
    mask = np.random.default_rng(1).random((50, 3)) < 0.6
    path = write(tmp_path / "x.h5", standardised(), ["pt", "eta"], mask=mask.astype(kind))
    data = jets_of({"mine": path})
    assert n_entries(data) == mask.sum()
    assert data.test_entries["mine"].left_out == {"empty slots": int((~mask).sum())}
    events = jets_of({"mine": path}, EventsDataModule)
    found = events.train_entries.batch
    assert not found.x[~found.mask].any()
    assert found.mask.sum() == mask[events.split.train].sum()


def test_a_mask_of_another_shape_and_a_column_that_is_not_there(tmp_path):
    path = write(tmp_path / "x.h5", standardised(), ["a", "b"], mask=np.ones((50, 4)))
    with pytest.raises(UserError, match=r"/mask has shape \(50, 4\); .*\(events, 3\)"):
        jets_of({"mine": path})
    with pytest.raises(UserError, match=r"data\.padding=c: allowed .*: auto, none, mask, a, b"):
        jets_of({"mine": path}, padding="c")
    with pytest.raises(UserError, match="has no data set 'mask'"):
        jets_of({"mine": write(tmp_path / "y.h5", standardised(), ["a", "b"])}, padding="mask")


def test_jets_below_the_threshold_are_counted_apart_from_empty_slots(tmp_path):
    jets = make_jets(80, 3.0, 20.0, seed=3)
    names = [f"c{i}" for i in range(17)]
    data = jets_of({"mine": write(tmp_path / "x.h5", jets, ["pt", *names[1:]])}, min_pt=30)
    real, soft = jets[..., 0] > 0, (jets[..., 0] > 0) & (jets[..., 0] <= 30)
    assert data.train_entries.left_out == {"empty slots": (~real).sum(), "jets of pT up to 30 GeV": soft.sum()}


def test_no_more_is_read_than_the_limit_needs(tmp_path, monkeypatch):
    jets = make_jets(5000, 3.0, 20.0, seed=4)[..., :4]
    path = write(tmp_path / "x.h5", jets, ["pt", "a", "b", "c"], chunks=(100, 8, 4), compression="gzip")
    whole = jets_of({"mine": path}).read_sample("mine", tmp_path / "x.h5")
    monkeypatch.setattr(hdf5_datasets, "ROWS", 100)
    read = []
    original = hdf5_datasets.check_chunks
    monkeypatch.setattr(
        hdf5_datasets,
        "check_chunks",
        lambda data, start, stop, where: (read.append(stop), original(data, start, stop, where)),
    )
    found = jets_of({"mine": path}, limit=700).read_sample("mine", tmp_path / "x.h5", 700)
    assert len(found) == 700
    assert max(read) <= 400
    torch.testing.assert_close(found.batch.x, whole.batch.x[:700], rtol=0, atol=0)
    np.testing.assert_array_equal(found.index, whole.index[:700])
    np.testing.assert_array_equal(found.slot, whole.slot[:700])
    read.clear()
    jets_of({"mine": path}, EventsDataModule, limit=50)
    assert max(read) == 50


@pytest.mark.parametrize("kind", [JetsDataModule, EventsDataModule])
def test_entries_too_large_for_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch, kind):
    path = write(tmp_path / "x.h5", make_jets(5000, 3.0, 20.0, seed=5)[..., :4], ["pt", "a", "b", "c"])
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    with pytest.raises(UserError, match=r"sample mine needs about 0\.\d GB of memory, 0\.0 GB are .*data\.limit=N"):
        jets_of({"mine": path}, kind)
    monkeypatch.undo()
    assert (memory.available_memory() or 0) > 100 << 20


@pytest.mark.parametrize(
    ("kind", "dataset", "shape"),
    [
        (CaloDataModule, "calo_regions", (2000, 18, 14)),
        (JetImagesDataModule, "jet_images", (2000, 12, 12)),
        (JetImagesDataModule, "jet_constituents", (200, 5, 3)),
    ],
)
def test_images_too_large_for_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch, kind, dataset, shape):
    images = np.random.default_rng(0).exponential(size=shape).astype("f4")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file[dataset] = images
        file[dataset].attrs["features"] = ["pt", "eta", "phi"]
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    with pytest.raises(UserError, match=r"sample mine needs about 0\.0 GB of memory, 0\.0 GB are .*data\.limit=N"):
        jets_of({"mine": str(tmp_path / "x.h5")}, kind)


def test_a_flat_table_is_told_how_to_become_one_of_jets(tmp_path):
    with pytest.raises(UserError, match=r"written as array\[:, None, :\]"):
        jets_of({"mine": write(tmp_path / "x.h5", np.ones((20, 3)), ["pt", "a", "b"])})


@pytest.mark.parametrize(
    ("table", "said"), [(3.0, r"shape \(\)"), (np.ones((60, 2, 2)), r"\(events, columns\) is needed")]
)
def test_event_features_of_another_shape(tmp_path, table, said):
    path = write(tmp_path / "x.h5", make_jets(60, 3.0, 20.0, seed=6)[..., :2], ["pt", "eta"])
    with h5py.File(path, "a") as file:
        file["event_features"] = table
    with pytest.raises(UserError, match=said):
        jets_of({"mine": path}, EventsDataModule)
