"""Constituents of jets: what is read, what comes with it, what is refused, and what models make of it."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from tests.fat_jets import make_fat_jets, write_fat_jet_file

from hepad.core.errors import UserError
from hepad.core.hdf5 import write_hdf5
from hepad.data import Batch, ConstituentsDataModule, JetImagesDataModule
from hepad.data.entry_file import EntryFile
from hepad.data.jet_preprocessing import pixelate


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., ConstituentsDataModule]:
    """Return a maker of datamodules over two small files."""
    background = write_fat_jet_file(tmp_path / "dijets.h5", n_prongs=1, seed=1)
    signal = write_fat_jet_file(tmp_path / "tops.h5", n_prongs=3, seed=2)

    def make(**settings) -> ConstituentsDataModule:
        samples = {"dijets": str(background), "tops": str(signal)} | settings.pop("samples", {})
        data = ConstituentsDataModule(samples=samples, background="dijets", bundled=False, **settings)
        data.setup()
        return data

    return make


def test_entries_are_the_hardest_constituents_by_falling_pt(made):
    data = made(n_constituents=12)
    assert data.entry_shape == (12, 3)
    assert data.feature_names == ("log_pt", "delta_eta", "delta_phi")
    entries = data.test_entries["tops"]
    x, mask = entries.batch.x.numpy(), entries.batch.mask.numpy()
    with h5py.File(data.files["tops"]) as file:
        constituents = file["jet_constituents"][:]
    for found, real, jet in zip(x, mask, constituents, strict=True):
        pt = np.sort(jet[jet[:, 0] > 0, 0])[::-1][:12]
        assert real.sum() == len(pt)
        assert real[: len(pt)].all()
        np.testing.assert_allclose(np.exp(found[real, 0]), pt, rtol=1e-5)
        assert (found[~real] == 0).all()
    assert entries.left_out == {
        "constituents beyond the 12 hardest": int((constituents[..., 0] > 0).sum() - mask.sum())
    }
    assert set(data.profile_features) <= set(entries.observables)


@pytest.mark.parametrize(
    "steps", [{}, {"center": "axis"}, {"rotate": False}, {"flip": False}, {"min_pt": 5.0, "center": "hardest"}]
)
def test_a_jet_is_centred_turned_and_mirrored_as_its_image_is(made, steps):
    data = made(n_constituents=24, **steps)
    images = JetImagesDataModule(
        samples={name: str(path) for name, path in data.files.items()}, background="dijets", bundled=False, **steps
    )
    images.setup()
    batch = data.test_entries["tops"].batch
    assert data.entry_shape == (24, 3)
    assert not batch.mask[:, 20:].any()
    pt, eta, phi = np.moveaxis(batch.x.numpy().astype(np.float64), -1, 0)
    drawn = pixelate(np.where(batch.mask, np.exp(pt), 0), eta, phi, 40, 0.8)
    drawn /= drawn.sum(axis=(1, 2), keepdims=True)
    # Float32 puts what lies on the edge of a pixel on its other side.
    same = np.isclose(drawn, images.test_entries["tops"].batch.x[:, 0].numpy(), atol=1e-5).all(axis=(1, 2))
    assert same.mean() > 0.95


def test_shares_of_pt_sum_to_one_over_those_that_are_taken(made):
    data = made(n_constituents=8, pt="share")
    assert data.feature_names[0] == "pt_share"
    share = data.train_entries.batch.x[..., 0]
    torch.testing.assert_close(share.sum(dim=1), torch.ones(len(share)))
    assert data.entry_definition == {
        "features": ["pt_share", "delta_eta", "delta_phi"], "n_constituents": 8, "center": "centroid", "rotate": True,
        "flip": True, "min_pt": 0.0,
    }  # fmt: skip


def test_baselines_are_pt_multiplicity_mass_and_distance(made):
    data = made()
    entries = data.test_entries["tops"]
    found = data.trivial_scores(entries)
    assert set(found) == {"sum_pt", "multiplicity", "mass", "distance_to_mean", "mahalanobis"}
    np.testing.assert_array_equal(found["multiplicity"], entries.observables["nConstituents"])
    flat = data.train_entries.batch.x.flatten(1).double()
    scale = torch.where(flat.std(dim=0) > 0, flat.std(dim=0), 1.0)
    expected = ((entries.batch.x.flatten(1) - flat.mean(dim=0)) / scale).square().sum(dim=1)
    np.testing.assert_allclose(found["distance_to_mean"], expected, rtol=1e-6)


def test_rows_of_a_file_are_the_entries_of_the_whole(made):
    data = made()
    with h5py.File(data.files["tops"]) as file:
        part = data.read(file, "tops", None, slice(50, 70))
    whole = data.test_entries["tops"]
    assert torch.equal(part.batch.x, whole.batch.x[50:70])
    assert torch.equal(part.batch.mask, whole.batch.mask[50:70])
    np.testing.assert_array_equal(part.index, np.arange(50, 70))


def test_symmetries_are_those_that_the_steps_leave(made):
    assert made().symmetries == {}
    assert set(made(flip=False).symmetries) == {"eta_flip"}
    assert made(rotate=False).symmetries == {}
    data = made(rotate=False, flip=False)
    assert {name: list(steps) for name, steps in data.symmetries.items()} == {
        "rotation": [1, 2, 3, 4, 5, 6, 7],
        "eta_flip": [1],
    }
    x = data.train_entries.batch.x
    mirrored = data.symmetries["eta_flip"][1](x)
    torch.testing.assert_close(mirrored, torch.stack([x[..., 0], -x[..., 1], x[..., 2]], dim=-1))
    turn = data.symmetries["rotation"]
    torch.testing.assert_close(turn[2](x), torch.stack([x[..., 0], -x[..., 2], x[..., 1]], dim=-1))
    torch.testing.assert_close(turn[5](turn[3](x)), x)


def test_the_bundled_fat_jets_are_read():
    data = ConstituentsDataModule(samples={}, background="top_jets", limit=200)
    data.setup()
    assert set(data.test_samples) == {"qcd_jets", "top_jets"}
    batch = data.train_entries.batch
    assert batch.mask.sum(dim=1).float().mean() > 25
    assert batch.x[..., 1:].abs().max() < 2


def test_broken_jets_are_refused_or_left_out(made, tmp_path):
    path = write_fat_jet_file(tmp_path / "broken.h5")
    with h5py.File(path, "r+") as file:
        file["jet_constituents"][3, 0, 0] = np.nan
        file["jet_constituents"][5, 2, 2] = np.inf
    with pytest.raises(UserError, match="2 of 200 entries of tops hold NaN or inf"):
        made(samples={"tops": str(path)})
    data = made(samples={"tops": str(path)}, on_nonfinite="drop")
    assert data.test_entries["tops"].dropped == 2
    assert torch.isfinite(data.test_entries["tops"].batch.x).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_constituents": 0}, "data.n_constituents=0; at least 1 constituent is needed"),
        ({"pt": "ln"}, "data.pt=ln; allowed: log, share"),
        ({"center": "core"}, "data.center=core; allowed"),
        ({"min_pt": 1e6}, "200 of 200 jets of sample dijets have no constituent with pT > 1e\\+06 GeV"),
    ],
)
def test_what_makes_no_entries_is_refused(made, settings, said):
    with pytest.raises(UserError, match=said):
        made(**settings)


@pytest.mark.parametrize("pt", ["log", "share"])
def test_made_up_jets_are_written_and_read_again(tmp_path, pt):
    jets = make_fat_jets(50, n_prongs=2, seed=3)
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["jet_constituents"] = jets
    settings = {"bundled": False, "n_constituents": 20, "pt": pt}
    data = ConstituentsDataModule(samples={"mine": str(tmp_path / "jets.h5")}, background="mine", **settings)
    data.setup()
    batch = data.train_entries.batch
    # A model may leave gaps, and its objects in any order.
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    with write_hdf5(tmp_path / "made.h5") as file:
        EntryFile(file, "constituents", len(batch.x), data.feature_names).add(
            Batch(batch.x[:, order], batch.mask[:, order])
        )
    again = ConstituentsDataModule(samples={"mine": str(tmp_path / "made.h5")}, background="mine", **settings)
    with h5py.File(tmp_path / "made.h5") as file:
        found = again.read(file, "mine", None).batch
    assert torch.equal(found.mask, batch.mask)
    torch.testing.assert_close(found.x, batch.x, rtol=1e-4, atol=1e-4)
