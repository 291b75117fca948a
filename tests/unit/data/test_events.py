"""Events: slots, masks, observables, what is refused."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import make_jets

from hepad.core.errors import UserError
from hepad.core.schema import JET_FEATURES
from hepad.data import EventsDataModule

JETS = make_jets(80, 2.0, 20.0, seed=4)


@pytest.fixture
def data(tmp_path):
    """Return a maker of a set-up datamodule from one array of events."""

    def make(jets=JETS, event_features=None, names=("n_pileup", "met", "ht"), **settings):
        path = tmp_path / "background.h5"
        with h5py.File(path, "w") as file:
            file["jet_event_data"] = jets
            file["jet_event_data"].attrs["features"] = list(JET_FEATURES)
            if event_features is not None:
                file["event_features"] = event_features
                file["event_features"].attrs["features"] = list(names)
        made = EventsDataModule(samples={"background": str(path)}, background="background", bundled=False, **settings)
        made.setup()
        return made

    return make


def test_an_event_keeps_its_slots_and_a_mask_of_the_real_ones(data):
    found = data()
    assert found.entry_shape == (8, 17)
    batch, rows = found.train_entries.batch, found.split.train
    np.testing.assert_array_equal(batch.x.numpy(), JETS[rows])
    np.testing.assert_array_equal(batch.mask.numpy(), JETS[rows, :, 0] > 0)


def test_a_slot_is_empty_where_pt_is_0_whatever_else_it_holds(data):
    padded = np.where(JETS[..., :1] > 0, JETS, np.float32(-1))
    padded[..., 0] = JETS[..., 0]
    found, expected = data(jets=padded), data()
    assert torch.equal(found.train_entries.batch.x, expected.train_entries.batch.x)
    assert torch.equal(found.train_entries.batch.mask, expected.train_entries.batch.mask)
    np.testing.assert_array_equal(
        found.train_entries.observables["sum_pt"], expected.train_entries.observables["sum_pt"]
    )


def test_events_without_jets_are_entries_too(data):
    found = data()
    n_empty = int((~(JETS[..., 0] > 0).any(axis=1)).sum())
    kept = [found.train_entries, found.val_entries, found.test_entries["background"]]
    assert n_empty > 0
    assert sum(int((~entries.batch.mask.any(1)).sum()) for entries in kept) == n_empty
    assert sum(len(entries) for entries in kept) == 80


def test_a_choice_of_features_leaves_masks_and_observables_alone(data):
    found, chosen = data(), data(features=["mass", "eta"])
    assert chosen.entry_shape == (8, 2)
    assert torch.equal(chosen.train_entries.batch.mask, found.train_entries.batch.mask)
    np.testing.assert_array_equal(chosen.train_entries.observables["sum_pt"], found.train_entries.observables["sum_pt"])
    np.testing.assert_array_equal(
        chosen.train_entries.batch.x[..., 0].numpy(), found.train_entries.batch.x[..., 3].numpy()
    )


def test_observables_and_baselines(data):
    features = np.random.default_rng(2).normal(size=(80, 3)).astype("f4")
    found = data(event_features=features)
    entries, rows = found.test_entries["background"], found.split.test
    pt = JETS[rows, :, 0].astype(float)
    np.testing.assert_allclose(entries.observables["sum_pt"], pt.sum(1))
    np.testing.assert_array_equal(entries.observables["n_slots"], (pt > 0).sum(1))
    np.testing.assert_allclose(entries.observables["leading_pt"], pt[:, 0])
    np.testing.assert_allclose(entries.observables["met"], features[rows, 1])
    baselines = found.baselines(entries)
    np.testing.assert_allclose(baselines["sum_pt"], pt.sum(1))
    real = JETS[found.split.train][JETS[found.split.train][..., 0] > 0].astype(float)
    z = (JETS[rows].astype(float) - real.mean(0)) / real.std(0, ddof=1)
    expected = ((z**2).sum(2) * (pt > 0)).sum(1)
    np.testing.assert_allclose(baselines["distance_to_mean"], expected, rtol=1e-5)


def test_h_t_and_multiplicity_of_the_file_stay_beside_those_of_the_slots(data):
    features = np.random.default_rng(3).uniform(1, 9, size=(80, 4)).astype("f4")
    found = data(event_features=features, names=("ht", "n_jets", "sum_pt", "met"))
    entries, rows = found.test_entries["background"], found.split.test
    np.testing.assert_array_equal(entries.observables["ht"], features[rows, 0])
    np.testing.assert_array_equal(entries.observables["n_jets"], features[rows, 1])
    # What the entry itself says is not replaced by a column of the same name.
    np.testing.assert_allclose(entries.observables["sum_pt"], JETS[rows, :, 0].sum(1), rtol=1e-6)
    np.testing.assert_allclose(found.baselines(entries)["sum_pt"], JETS[rows, :, 0].sum(1), rtol=1e-6)


def test_no_jets_at_all(data):
    with pytest.raises(UserError, match="no jets at all"):
        data(jets=np.zeros((40, 8, 17), dtype="f4"))


def test_an_unknown_feature(data):
    with pytest.raises(UserError, match="no feature etaa"):
        data(features=["pt", "etaa"])


def test_event_features_of_fewer_events(data):
    with pytest.raises(UserError, match="79 rows for 80 events"):
        data(event_features=np.zeros((79, 3), dtype="f4"))


def test_nan_in_a_jet_is_seen(data):
    jets = JETS.copy()
    jets[5, 0, :] = np.nan
    with pytest.raises(UserError, match="1 of 80 entries"):
        data(jets=jets)
