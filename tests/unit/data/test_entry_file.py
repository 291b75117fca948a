"""Entries written as a file: their datamodule reads back what was written, for every kind of data."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import write_image_file
from tests.every_model import WRITERS

from hepad.config import RunConfig, compose
from hepad.core.batch import Batch, take_rows
from hepad.core.errors import UserError
from hepad.core.hdf5 import create_hdf5
from hepad.data.entry_file import KINDS, EntryFile
from hepad.run.building import build_data


def data_of(kind, path, *words):
    cfg = compose("train", [f"data={kind}", "paths.run=run", *words])
    cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(path)}, "background"
    return build_data(RunConfig.of(cfg))


def write(path, kind, parts, features=None, dataset=None):
    with create_hdf5(path) as file:
        entries = EntryFile(file, kind, sum(len(part.x) for part in parts), features, dataset)
        for part in parts:
            entries.add(part)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_entries_are_read_back_as_they_were(tmp_path, kind):
    data = data_of(kind, WRITERS[kind](tmp_path / "background.h5", n_events=60, seed=0))
    entries = data.read_sample("background", tmp_path / "background.h5").batch
    parts = [take_rows(entries, rows) for rows in (slice(0, 11), slice(11, 40), slice(40, None))]
    features = None if data.structure == "image" else data.feature_names
    back = data.read_sample("generated", write(tmp_path / "back.h5", kind, parts, features)).batch
    # Constituents are centred, turned and mirrored once more.
    error = 1e-4 if kind == "constituents" else 0.0
    torch.testing.assert_close(back.x, entries.x, rtol=error, atol=error)
    assert (back.mask is None) is (entries.mask is None)
    assert back.mask is None or torch.equal(back.mask, entries.mask)
    again = write(tmp_path / "again.h5", kind, parts, features)
    assert again.read_bytes() == (tmp_path / "back.h5").read_bytes()


def test_images_of_several_channels_have_them_last(tmp_path):
    images = np.random.default_rng(0).exponential(size=(40, 6, 5, 3)).astype(np.float32)
    path = write_image_file(tmp_path / "background.h5", images=images, dataset="event_image_data")
    data = data_of("calo", path, "data.dataset=event_image_data")
    entries = data.read_sample("background", path).batch
    write(tmp_path / "back.h5", "calo", [entries], dataset="event_image_data")
    with h5py.File(tmp_path / "back.h5") as file:
        assert np.array_equal(file["event_image_data"][:], images)
    assert torch.equal(data.read_sample("generated", tmp_path / "back.h5").batch.x, entries.x)


def test_jets_of_an_event_come_by_falling_pt_whatever_it_is(tmp_path):
    """A made-up jet may have a pT below 0; the mask says that it is one."""
    x = torch.tensor([[[0.1, 5.0], [0.2, -3.0], [0.3, 7.0], [0.4, 9.0]]])
    mask = torch.tensor([[True, True, True, False]])
    path = write(tmp_path / "events.h5", "events", [Batch(x, mask)], ["eta", "pt"])
    with h5py.File(path) as file:
        assert file["jet_event_data"][0].tolist() == [*x[0, [2, 0, 1]].tolist(), [0.0, 0.0]]
        assert file["mask"][0].tolist() == [1, 1, 1, 0]
        assert list(file["jet_event_data"].attrs["features"]) == ["eta", "pt"]


def test_a_kind_of_data_without_a_layout_is_refused(tmp_path):
    with create_hdf5(tmp_path / "a.h5") as file, pytest.raises(UserError, match="'graphs'; there is for jets"):
        EntryFile(file, "graphs", 3)
