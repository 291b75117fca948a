"""Calorimeter images: what is read, in which layout, what comes with them, what is refused."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import make_images

from hepad.core.errors import UserError
from hepad.data import CaloDataModule

IMAGES = make_images(60, 2.0, 5.0, seed=3)


@pytest.fixture
def data(tmp_path):
    """Return a maker of a set-up datamodule from arrays: sample → (data set, images)."""

    def make(samples=None, features=None, **settings):
        samples = samples or {"background": ("calo_regions", IMAGES)}
        paths = {}
        for name, (dataset, images) in samples.items():
            paths[name] = str(tmp_path / f"{name}.h5")
            with h5py.File(paths[name], "w") as file:
                file[dataset] = images
                if features is not None:
                    file["event_features"] = features
                    file["event_features"].attrs["features"] = ["n_pileup", "met"]
        made = CaloDataModule(samples=paths, background="background", bundled=False, **settings)
        made.setup()
        return made

    return make


def test_an_image_is_one_channel_of_phi_by_eta_in_raw_units(data):
    found = data()
    assert found.entry_shape == (1, 18, 14)
    np.testing.assert_array_equal(found.train_entries.batch.x[:, 0].numpy(), IMAGES[found.split.train])
    assert found.train_entries.batch.x.dtype == torch.float32


def test_only_calorimeter_regions_are_known_to_be_energies(data):
    assert data().image_labels.value == r"Region $E_\mathrm{T}$ [GeV]"
    objects = data({"background": ("event_image_data", np.repeat(IMAGES[..., None], 5, axis=3).astype("f4"))})
    assert objects.image_labels.value == "Pixel value"
    assert objects.image_labels.vertical == data().image_labels.vertical == r"$i\phi$"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("calo_regions", IMAGES),
        ("CaloRegions", IMAGES),
        ("CaloRegions", IMAGES[..., None]),
        ("CaloRegions", IMAGES.reshape(60, -1)),
        ("event_image_data", IMAGES.astype("f4")),
    ],
)
def test_the_same_images_under_other_names_and_layouts(data, name, stored):
    found = data({"background": (name, stored)})
    np.testing.assert_array_equal(found.train_entries.batch.x[:, 0].numpy(), IMAGES[found.split.train])


def test_channels_come_first(data):
    images = np.random.default_rng(0).random((30, 16, 16, 5)).astype("f4")
    found = data({"background": ("event_image_data", images)})
    assert found.entry_shape == (5, 16, 16)
    assert len(found.feature_names) == 5
    np.testing.assert_array_equal(found.train_entries.batch.x[:, 3].numpy(), images[found.split.train][..., 3])


def test_a_file_of_several_kinds_is_read_as_asked(tmp_path):
    path = tmp_path / "both.h5"
    with h5py.File(path, "w") as file:
        file["event_image_data"] = np.random.default_rng(0).random((30, 16, 16, 5))
        file["calo_regions"] = IMAGES[:30]
    settings = {"samples": {"b": str(path)}, "background": "b", "bundled": False}
    shapes = []
    for dataset in (None, "event_image_data"):
        found = CaloDataModule(**settings, dataset=dataset)
        found.setup()
        shapes.append(found.entry_shape)
    assert shapes == [(1, 18, 14), (5, 16, 16)]


def test_observables_and_baselines(data):
    features = np.random.default_rng(1).normal(size=(60, 2)).astype("f4")
    found = data(features=features, threshold=3.0)
    entries, rows = found.test_entries["background"], found.split.test
    images = IMAGES[rows].astype(float)
    np.testing.assert_allclose(entries.observables["total_et"], images.sum((1, 2)))
    np.testing.assert_allclose(entries.observables["max_region"], images.max((1, 2)))
    np.testing.assert_allclose(entries.observables["met"], features[rows, 1])
    baselines = found.baselines(entries)
    np.testing.assert_allclose(baselines["sum_pt"], images.sum((1, 2)))
    np.testing.assert_array_equal(baselines["multiplicity"], (images > 3).sum((1, 2)))
    train = IMAGES[found.split.train].astype(float)
    expected = ((images - train.mean(0)) ** 2).sum((1, 2)) / train.var()
    np.testing.assert_allclose(baselines["distance_to_mean"], expected, rtol=1e-4)


def test_only_training_images_are_rotated_and_only_on_request(data):
    def batches(loader):
        return torch.cat([batch.x for batch in loader])

    found = data(batch_size=8)
    rotated = batches(found.train_dataloader())
    plain = batches(data(batch_size=8, augment_phi=False, augment_eta=False).train_dataloader())
    assert not torch.equal(rotated, plain)
    torch.testing.assert_close(rotated.sum((1, 2, 3)), plain.sum((1, 2, 3)))
    assert torch.equal(batches(found.val_dataloader()), found.val_entries.batch.x)
    assert torch.equal(batches(found.test_dataloader()[0]), found.test_entries["background"].batch.x)
    flat = batches(data(batch_size=8, periodic_phi=False, augment_eta=False).train_dataloader())
    assert torch.equal(flat, plain)


def test_the_symmetries_of_the_grid(data):
    x = torch.rand(2, 1, 18, 14)
    found = data().symmetries
    assert [len(transformations) for transformations in found.values()] == [17, 1]
    assert list(found["phi_rotation"]) == list(range(1, 18))
    for shift, rotate in found["phi_rotation"].items():
        assert torch.equal(rotate(x), x.roll(shift, 2))
    assert torch.equal(found["eta_flip"][1](x), x.flip(3))
    assert set(data(periodic_phi=False).symmetries) == {"eta_flip"}


def test_an_empty_event_is_an_entry_like_all_others(data):
    images = IMAGES.copy()
    images[7] = 0
    assert len(data({"background": ("calo_regions", images)}).train_entries) == 36


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (np.zeros((40, 18)), r"\(images, φ, η\)"),
        (np.zeros((0, 18, 14)), "is empty"),
        (np.zeros((40, 18, 14)), "constant"),
        (np.full((40, 18, 14), 7.0), "constant"),
        (np.broadcast_to(np.arange(40.0)[:, None, None], (40, 18, 14)), "constant"),
    ],
)
def test_files_without_images_are_refused(data, images, said):
    with pytest.raises(UserError, match=said):
        data({"background": ("calo_regions", images)})


def test_samples_of_different_shapes_are_refused(data):
    other = np.random.default_rng(0).random((40, 16, 16, 5))
    with pytest.raises(UserError, match=r"signal have the shape \(5, 16, 16\), those of background \(1, 18, 14\)"):
        data({"background": ("calo_regions", IMAGES), "signal": ("event_image_data", other)})


def test_an_unknown_data_set_is_refused(data):
    with pytest.raises(UserError, match="allowed: calo_regions, CaloRegions"):
        data(dataset="images")


def test_the_same_images_under_another_name_are_the_same_kind_of_entries(write_images):
    definitions = []
    for name, dataset in (("own", "calo_regions"), ("cicada", "CaloRegions")):
        path = write_images(name, dataset=dataset)
        data = CaloDataModule(samples={name: str(path)}, background=name, bundled=False)
        data.setup()
        definitions.append(data.entry_definition)
    assert definitions == [{"dataset": "calo_regions"}] * 2
