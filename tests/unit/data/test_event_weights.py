"""Weights of a file: each entry gets that of its row, and what is no weight is refused in one line."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import make_images, make_jets

from hepad.core.errors import UserError
from hepad.data import CaloDataModule, EventsDataModule, JetImagesDataModule, JetsDataModule
from hepad.data.targets import RareScoreWeights, flat_probability

N = 120
JETS = make_jets(N, 3.0, 15.0, seed=1)
DATA = {
    EventsDataModule: ("jet_event_data", JETS),
    JetsDataModule: ("jet_event_data", JETS),
    CaloDataModule: ("calo_regions", make_images(N, 2.0, 5.0, seed=3)),
    JetImagesDataModule: ("jet_images", make_images(N, 2.0, 5.0, seed=4).astype(np.float32)),
}
WEIGHT = np.random.default_rng(2).exponential(size=N)


def made(kind, path, weight, **settings):
    name, array = DATA[kind]
    with h5py.File(path, "w") as file:
        file[name] = array
        if weight is not None:
            file["weight"] = weight
    return kind(samples={"zb": str(path), "other": str(path)}, background="zb", bundled=False, **settings)


@pytest.mark.parametrize("kind", DATA)
def test_every_entry_has_the_weight_of_its_row(kind, tmp_path):
    data = made(kind, tmp_path / "zb.h5", WEIGHT)
    data.setup()
    for entries in (data.train_entries, data.val_entries, *data.test_entries.values()):
        np.testing.assert_array_equal(entries.batch.weight.numpy(), WEIGHT[entries.index].astype(np.float32))
    batch = next(iter(data.train_dataloader()))
    assert batch.weight.shape == (len(batch.x),)
    plain = made(kind, tmp_path / "plain.h5", None)
    plain.setup()
    assert plain.train_entries.batch.weight is None
    assert torch.equal(plain.train_entries.batch.x, data.train_entries.batch.x)


@pytest.mark.parametrize("kind", DATA)
def test_parts_of_a_file_have_the_weights_of_their_rows(kind, tmp_path):
    data = made(kind, tmp_path / "zb.h5", WEIGHT)
    with h5py.File(tmp_path / "zb.h5") as file:
        entries = data.read_weighted(file, "zb", None, slice(40, 90))
        limited = data.read_weighted(file, "zb", 30)
    np.testing.assert_array_equal(entries.batch.weight.numpy(), WEIGHT[entries.index].astype(np.float32))
    assert entries.index.min() >= 40
    assert len(limited.batch.weight) == 30


def with_value(value):
    weight = WEIGHT.copy()
    weight[[3, 70]] = value
    return weight


@pytest.mark.parametrize(
    ("weight", "problem"),
    [
        (with_value(-1), "2 of 120 weights in .*:/weight are negative, first that of row 3"),
        (with_value(np.nan), "2 of 120 weights in .*:/weight are NaN or infinite, first that of row 3"),
        (with_value(np.inf), "2 of 120 weights in .*:/weight are NaN or infinite"),
        (with_value(1e300), "2 of 120 weights in .*:/weight are NaN or infinite"),
        (np.zeros(N), "all 72 weights of the training part of zb are 0"),
        (WEIGHT[:-1], r"/weight has shape \(119,\) for 120 rows; one weight per row is needed"),
        (WEIGHT[:, None], r"/weight has shape \(120, 1\) for 120 rows"),
        (np.array(["one"] * N, dtype="S3"), "weight is not numeric"),
    ],
)
def test_what_is_no_weight_is_refused(tmp_path, weight, problem):
    with pytest.raises(UserError, match=problem) as error:
        made(CaloDataModule, tmp_path / "zb.h5", weight).setup()
    assert "\n" not in str(error.value)


def test_a_link_to_weights_is_refused_not_ignored(tmp_path):
    data = made(CaloDataModule, tmp_path / "zb.h5", None)
    with h5py.File(tmp_path / "zb.h5", "r+") as file:
        file["weight"] = h5py.SoftLink("/calo_regions")
    with pytest.raises(UserError, match="weight is a link"):
        data.setup()


def test_baselines_are_those_of_repeated_entries(tmp_path):
    whole = np.random.default_rng(4).integers(1, 4, N)
    for kind in (EventsDataModule, JetsDataModule, CaloDataModule, JetImagesDataModule):
        data = made(kind, tmp_path / "zb.h5", whole)
        data.setup()
        found = data.baselines(data.test_entries["zb"])["distance_to_mean"]
        train = data.train_entries
        rows = np.repeat(np.arange(len(train)), train.batch.weight.numpy().astype(int))
        repeated = made(kind, tmp_path / "plain.h5", None)
        repeated.setup()
        repeated.as_read = repeated.train_entries.rows(rows)
        expected = repeated.baselines(data.test_entries["zb"])["distance_to_mean"]
        # Spreads of samples have n − 1 in the denominator: a factor common to all entries, which changes no AUC.
        np.testing.assert_allclose(found / found.mean(), expected / expected.mean(), rtol=1e-6)


def test_rare_targets_are_rare_by_weight():
    target, weight = torch.rand(200).double(), torch.randint(1, 4, (200,))
    repeated = target.repeat_interleave(weight)
    found, expected = RareScoreWeights(target, 20, weight=weight.double()), RareScoreWeights(repeated, 20)
    torch.testing.assert_close(found(target), expected(target))
    assert float((found(target) * weight).sum() / weight.sum()) == pytest.approx(1.0)
    probability = flat_probability(target, 20, weight)
    # The entries of a bin are drawn equally often; counted by weight, each bin then has the same say.
    shares = [float((weight * probability)[probability == p].sum()) for p in probability.unique()]
    smallest = min(shares)
    assert [share / smallest for share in shares] == pytest.approx([round(share / smallest) for share in shares])
