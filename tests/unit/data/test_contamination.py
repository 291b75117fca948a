"""Signal in what trains: as much as is asked for, the same in every run, and never what is tested."""

import h5py
import numpy as np
import pytest
from tests.conftest import make_table, write_table_file

from hepad.core.errors import UserError
from hepad.core.roles import Contamination, parse_contamination
from hepad.data import TableDataModule
from hepad.run.provenance import role_facts


@pytest.fixture
def samples(tmp_path):
    """A background of 1000, a signal of 200."""
    made = {"background": make_table(1000, 1), "signal": make_table(200, 2, shift=5.0)}
    return {name: str(write_table_file(tmp_path / f"{name}.h5", table)) for name, table in made.items()}


def read(samples, fraction=0.1, sample="signal", **settings):
    contamination = {"sample": sample, "fraction": fraction}
    data = TableDataModule(
        samples=samples, background="background", bundled=False, contamination=contamination, **settings
    )
    data.setup()
    return data


def rows(*entries):
    return {tuple(row) for found in entries for row in found.batch.x.tolist()}


def signal_of(entries):
    return rows(entries) & {tuple(row) for row in make_table(200, 2, shift=5.0).tolist()}


def test_the_fraction_is_that_of_what_trains_and_what_validates(samples):
    data = read(samples)
    assert len(data.train_entries) == 600 + 67
    assert len(signal_of(data.train_entries)) == 67
    assert len(data.val_entries) == 200 + 22
    assert len(signal_of(data.val_entries)) == 22
    assert role_facts(data) == {"contamination": {"sample": "signal", "fraction": 0.1, "trained": 67, "validated": 22}}
    assert set(data.split_hashes()) >= {"train/background", "train/signal", "test/signal"}
    assert data.trained_on == "background, 0.1 of it signal"


def test_no_entry_that_trains_is_tested_and_all_fractions_test_the_same(samples):
    tested = []
    for fraction in (0, 0.05, 0.1):
        data = read(samples, fraction)
        assert not rows(data.train_entries, data.val_entries) & rows(*data.test_entries.values())
        tested.append(data.test_entries["signal"].index.tolist())
    assert tested[0] == tested[1] == tested[2]
    assert len(tested[0]) == 40


def test_larger_fractions_hold_smaller_ones_and_every_run_has_the_same(samples):
    few, many, again = (read(samples, fraction, seed=seed) for fraction, seed in ((0.02, 1), (0.1, 1), (0.1, 2)))
    assert signal_of(few.train_entries) < signal_of(many.train_entries)
    np.testing.assert_array_equal(many.train_entries.index, again.train_entries.index)
    plain = TableDataModule(samples=samples, background="background", bundled=False)
    plain.setup()
    # Background and its tests are what they are without.
    np.testing.assert_array_equal(many.train_entries.index[:600], plain.train_entries.index)
    np.testing.assert_array_equal(many.test_entries["background"].index, plain.test_entries["background"].index)


def with_truth(samples, every=5):
    label = (np.arange(1000) % every == 0).astype(int)
    with h5py.File(samples["background"], "a") as file:
        file["label"] = label
    return label


def test_signal_in_the_backgrounds_own_file_is_thinned_by_its_truth(samples):
    label = with_truth(samples)
    one = {"background": samples["background"]}
    whole = read(one, 0.9, None)
    assert 0.15 < label[whole.train_entries.index].mean() < 0.25
    found = []
    for fraction in (0.0, 0.05, 0.1):
        data = read(one, fraction, None)
        signal = label[data.train_entries.index]
        n_background = int((signal == 0).sum())
        assert signal.sum() == round(fraction / (1 - fraction) * n_background)
        assert n_background == int((label[whole.train_entries.index] == 0).sum())
        np.testing.assert_array_equal(
            data.test_entries["background_signal"].index, whole.test_entries["background_signal"].index
        )
        assert role_facts(data)["contamination"]["trained"] == signal.sum()
        found.append(set(data.train_entries.index[signal == 1].tolist()))
    assert found[0] < found[1] < found[2]


def test_it_goes_with_roles_and_does_nothing_without_a_truth(samples):
    one = {"background": samples["background"]}
    assert len(read(one, 0.0, None).train_entries) == 600
    label = with_truth(samples)
    regions = {"low": {"energy": [None, 50.0]}, "high": {"energy": [50.0, None]}}
    roles = [{"sample": "background", "region": name, "label": i} for i, name in enumerate(regions)]
    data = read(one, 0.0, None, train=roles, regions=regions)
    assert not label[data.train_entries.index].any()
    assert data.train_entries.batch.label.unique().tolist() == [0, 1]


def test_more_signal_than_there_is_and_less_than_one_entry(samples):
    with pytest.raises(UserError, match=r"needs 257 entries of signal, whose training part has 120; at most 0\.167"):
        read(samples, 0.3)
    with pytest.raises(UserError, match="is less than one of 600 entries"):
        read(samples, 1e-5)


@pytest.mark.parametrize(
    ("given", "roles", "said"),
    [
        ({"sample": "none", "fraction": 0.1}, None, "is not a sample; allowed: background, signal, or null"),
        ({"sample": "background", "fraction": 0.1}, None, "is the background"),
        ({"sample": "signal", "fraction": 1.0}, None, "from 0 to below 1"),
        ({"sample": "signal", "fraction": True}, None, "from 0 to below 1"),
        ({"sample": "signal"}, None, "a mapping such as"),
        ({"sample": "signal", "fraction": 0.1, "seed": 1}, None, "a mapping such as"),
        ({"sample": "signal", "fraction": 0.1}, (), "data.train names all"),
    ],
)
def test_what_is_no_contamination_is_one_line(given, roles, said):
    with pytest.raises(UserError, match=said) as raised:
        parse_contamination(given, "background", {"background", "signal"}, roles)
    assert "\n" not in str(raised.value)
    assert parse_contamination(None, "background", set(), None) is None
    assert Contamination(None, 0.0).number(1000) == 0
