"""Roles: what of which sample trains, with which label and weight, and what is tested then."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import write_jet_file
from tests.own_data import KINDS, MASS, N_ROWS, REGIONS, TWO_ROLES, read_kind, write_kind

from hepad.core.errors import UserError
from hepad.data import JetsDataModule, TableDataModule

KIND = pytest.mark.parametrize("kind", KINDS)


def keys(entries):
    """What tells an entry from all others of its file."""
    slots = np.zeros(len(entries), dtype=int) if entries.slot is None else entries.slot
    return set(zip(entries.index.tolist(), slots.tolist(), strict=True))


@KIND
def test_the_background_alone_is_what_one_role_of_it_is(kind, tmp_path):
    path = write_kind(kind, tmp_path / "a.h5")
    short, long = read_kind(kind, path), read_kind(kind, path, train=[{"sample": "a"}])
    assert short.split_hashes() == long.split_hashes()
    assert set(short.split_hashes()) == {"train", "val", "test"}
    for part in ("train_entries", "val_entries"):
        assert torch.equal(getattr(short, part).batch.x, getattr(long, part).batch.x)
    assert (short.train_entries.batch.label, short.train_entries.batch.weight) == (None, None)
    assert short.trained_on == long.trained_on == "a"


@KIND
def test_roles_take_their_regions_of_the_parts_of_the_split(kind, tmp_path):
    path = write_kind(kind, tmp_path / "a.h5", weight=np.linspace(1, 2, N_ROWS))
    whole = read_kind(kind, path)
    data = read_kind(kind, path, train=TWO_ROLES, regions=REGIONS)
    for part in ("train_entries", "val_entries"):
        found = getattr(data, part)
        # Together the two regions hold everything: each entry of the part once.
        assert len(found) == len(getattr(whole, part))
        assert keys(found) == keys(getattr(whole, part))
        in_signal = (MASS[found.index] >= 3000) & (MASS[found.index] < 4000)
        np.testing.assert_array_equal(found.batch.label.numpy(), in_signal.astype(int))
        assert found.batch.label.dtype == torch.int64
        expected = np.linspace(1, 2, N_ROWS)[found.index] * np.where(in_signal, 1, 0.5)
        np.testing.assert_allclose(found.batch.weight.numpy(), expected, rtol=1e-6)
        # One role after the other.
        assert (np.diff(found.batch.label.numpy()) <= 0).all()
    assert keys(data.test_entries["a"]) == keys(whole.test_entries["a"])
    assert data.test_entries["a"].batch.label is None
    np.testing.assert_array_equal(data.test_entries["a"].batch.weight, whole.test_entries["a"].batch.weight)
    assert data.trained_on == "a in signal, a in sidebands"
    assert set(data.split_hashes()) == {
        "train/a/signal", "train/a/sidebands", "val/a/signal", "val/a/sidebands", "test/a"
    }  # fmt: skip


@KIND
def test_every_batch_has_label_and_weight_of_its_entries(kind, tmp_path):
    data = read_kind(kind, write_kind(kind, tmp_path / "a.h5"), train=TWO_ROLES, regions=REGIONS, batch_size=16)
    labels = []
    for batch in (*data.train_dataloader(), *data.val_dataloader()):
        assert torch.equal(batch.weight, torch.where(batch.label == 1, 1.0, 0.5))
        labels.append(batch.label)
    assert set(torch.cat(labels).tolist()) == {0, 1}


@pytest.mark.parametrize("roles", [None, [{"sample": "a", "region": "signal"}]], ids=["background", "roles"])
@KIND
def test_what_trains_is_never_tested_under_any_name(kind, roles, tmp_path):
    path = write_kind(kind, tmp_path / "a.h5")
    (tmp_path / "copy.h5").write_bytes(path.read_bytes())
    samples = {"a": str(path), "copy": str(tmp_path / "copy.h5"), "b": str(write_kind(kind, tmp_path / "b.h5", x=MASS))}
    data = read_kind(kind, path, samples=samples, train=roles, regions=REGIONS)
    used = keys(data.train_entries) | keys(data.val_entries)
    for sample in ("a", "copy"):
        assert not used & keys(data.test_entries[sample])
    assert len(data.test_entries["b"]) > len(data.test_entries["a"])


def test_several_samples_train_together_and_only_their_test_parts_are_tested(tmp_path):
    samples = {name: str(write_jet_file(tmp_path / f"{name}.h5", seed=seed)) for seed, name in enumerate("abc")}
    roles = [{"sample": "b", "label": 0}, {"sample": "a", "label": 1}]
    data = JetsDataModule(samples=samples, background="zero_bias", bundled=False, train=roles)
    data.setup()
    assert data.background == "b"
    alone = {}
    for name in "abc":
        alone[name] = JetsDataModule(samples=samples, background=name, bundled=False)
        alone[name].setup()
    x = torch.cat([alone["b"].train_entries.batch.x, alone["a"].train_entries.batch.x])
    assert torch.equal(data.train_entries.batch.x, x)
    assert torch.equal(data.test_entries["a"].batch.x, alone["a"].test_entries["a"].batch.x)
    assert torch.equal(data.test_entries["c"].batch.x, alone["a"].test_entries["c"].batch.x)
    # What is usual is what label 0 looks like.
    assert torch.equal(data.baseline_entries.batch.x, alone["b"].train_entries.batch.x)
    found, expected = (each.trivial_scores(alone["c"].test_entries["a"]) for each in (data, alone["b"]))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_a_background_that_is_not_trained_on_is_tested_whole(tmp_path):
    samples = {name: str(write_jet_file(tmp_path / f"{name}.h5", seed=seed)) for seed, name in enumerate("ab")}
    data = JetsDataModule(samples=samples, background="a", bundled=False, train=[{"sample": "b"}])
    data.setup()
    assert data.background == "a"
    assert len(data.test_entries["a"]) == len(data.read_sample("a", tmp_path / "a.h5"))
    assert data.baseline_entries is data.train_entries


def test_a_region_may_be_cut_in_event_features_or_in_features(tmp_path):
    path = write_kind(JetsDataModule, tmp_path / "a.h5", event_features=np.c_[MASS, MASS])
    with h5py.File(path, "r+") as file:
        file["event_features"].attrs["features"] = ["ht", "met"]
    regions = {"hard": {"pt": [30, None], "met": [2500, None]}}
    data = read_kind(JetsDataModule, path, train=[{"sample": "a", "region": "hard"}], regions=regions)
    assert (data.train_entries.batch.x[:, 0] >= 30).all()
    assert (MASS[data.train_entries.index] >= 2500).all()
    np.testing.assert_array_equal(data.train_entries.observables["met"], MASS[data.train_entries.index])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"regions": {"signal": {"m_jj": [9000, None]}}},
            "region signal is empty: none of 200 entries of a lies in it",
        ),
        (
            {"regions": {"signal": {"m_xx": [0, 1]}}},
            r"data\.regions\.signal: .* has no observable m_xx; it has: angle, ",
        ),
        (
            {
                "regions": {"signal": {"m_jj": [3000, 4000]}, "sidebands": {"m_jj": [3900, None]}},
                "train": TWO_ROLES,
            },
            r"the roles a in signal and a in sidebands share \d+ entries",
        ),
        (
            {"regions": {"signal": {"m_jj": [MASS[7], MASS[7] + 1e-9]}}},
            "region signal is empty in the (training|validation) part of a: 1 of 200 entries lie in it, and none",
        ),
        ({"train": [{"sample": "a", "region": "control"}], "regions": REGIONS}, "region=control is not a region"),
        ({"train": [{"sample": "a", "weight": 1e308}]}, r"weights of a are no longer finite with the factor 1e\+308"),
        ({"train": [{"sample": "a"}], "half": "second"}, "data.half=second halves one background"),
        ({"background": "zero", "regions": REGIONS}, "data.background=zero is not a sample; allowed: a"),
    ],
)
def test_what_cannot_train_is_one_line(tmp_path, settings, said):
    path = write_kind(TableDataModule, tmp_path / "a.h5", weight=np.linspace(1, 2, N_ROWS))
    with pytest.raises(UserError, match=said) as error:
        read_kind(TableDataModule, path, **{"train": [{"sample": "a", "region": "signal"}], **settings})
    assert "\n" not in str(error.value)


def test_two_names_of_one_file_are_no_two_roles(tmp_path):
    path = write_kind(TableDataModule, tmp_path / "a.h5")
    (tmp_path / "b.h5").write_bytes(path.read_bytes())
    samples = {"samples": {"a": str(path), "b": str(tmp_path / "b.h5")}}
    with pytest.raises(UserError, match="the roles a and b share 200 entries"):
        read_kind(TableDataModule, path, **samples, train=[{"sample": "a"}, {"sample": "b"}])
    roles = [{"sample": "a", "region": "signal"}, {"sample": "b", "region": "sidebands"}]
    data = read_kind(TableDataModule, path, **samples, train=roles, regions=REGIONS)
    assert len(data.train_entries) == 120
    with pytest.raises(UserError, match="b and a are one file, read with different limits"):
        read_kind(TableDataModule, path, **samples, train=roles, regions=REGIONS, limit={"a": 100})
