"""Planing: an observable is flat over training entries of each label, and nothing else changes."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import make_table, write_table_file

from hepad.core.errors import UserError
from hepad.data import TableDataModule


def write_masses(path, masses, seed=0):
    write_table_file(path, make_table(len(masses), seed))
    with h5py.File(path, "a") as file:
        file["m_jj"] = masses
    return str(path)


@pytest.fixture
def files(tmp_path):
    return {
        name: write_masses(tmp_path / f"{name}.h5", np.random.default_rng(seed).exponential(500 * seed, 3000), seed)
        for seed, name in enumerate(("qcd", "data"), start=1)
    }


def read(files, protect=("m_jj", True), **settings):
    data = TableDataModule(samples=files, bundled=False, background="qcd", **settings)
    if protect:
        data.protect(*protect)
    data.setup()
    return data


def test_the_observable_is_flat(files):
    train = read(files).train_entries
    mass, weight = train.batch.protected.numpy(), train.batch.weight.numpy()
    np.testing.assert_array_equal(mass, train.observables["m_jj"].astype(np.float32))
    low, high = np.quantile(mass, [0.01, 0.8])
    before, _ = np.histogram(mass, 8, (low, high))
    after, _ = np.histogram(mass, 8, (low, high), weights=weight)
    assert before.max() > 3 * before.min()
    assert after.max() < 1.3 * after.min()
    assert weight.sum() == pytest.approx(len(train), rel=1e-5)


def test_each_label_is_flat_for_itself(files):
    roles = [{"sample": "qcd", "label": 0}, {"sample": "data", "label": 1}]
    batch = read(files, train=roles).train_entries.batch
    edges = np.quantile(batch.protected, [0.01, 0.2, 0.4, 0.6])
    spectra = [
        np.histogram(batch.protected[batch.label == label], edges, weights=batch.weight[batch.label == label])[0]
        for label in (0, 1)
    ]
    shares = [spectrum / spectrum.sum() for spectrum in spectra]
    np.testing.assert_allclose(*shares, atol=0.03)


def test_validation_is_weighted_and_tests_are_not(files):
    planed, plain = read(files), read(files, protect=None)
    assert planed.val_entries.batch.weight.std() > 0.1
    assert all(entries.batch.weight is None for entries in planed.test_entries.values())
    for name, scores in plain.trivial_scores(plain.test_entries["data"]).items():
        np.testing.assert_array_equal(planed.trivial_scores(planed.test_entries["data"])[name], scores)


def test_protecting_alone_changes_no_weight(files):
    batch = read(files, protect=("m_jj", False)).train_entries.batch
    assert batch.weight is None
    assert isinstance(batch.protected, torch.Tensor)


def test_what_cannot_be_spread(files, tmp_path):
    with pytest.raises(UserError, match=r"m_jj is 91.2 for nearly all training entries"):
        read({"qcd": write_masses(tmp_path / "flat.h5", np.full(500, 91.2))})
    with pytest.raises(UserError, match=r"decorrelate.variable=m_xx: .* has no observable m_xx"):
        read(files, protect=("m_xx", False))
    with pytest.raises(UserError, match=r"decorrelate.variable names m_jj, the truth"):
        read(files, protect=("m_jj", False), truth="m_jj")
