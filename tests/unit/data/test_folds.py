"""Folds: each row is tested by exactly one of them, whatever the seed."""

import numpy as np
import pytest
from tests.conftest import make_table, write_table_file

from hepad.core.errors import UserError
from hepad.data import JetsDataModule, TableDataModule
from hepad.data.split import fold_numbers, split_groups, split_rows


@pytest.mark.parametrize(("n", "folds"), [(20, 2), (53, 5), (1000, 7)])
def test_each_row_is_tested_once_and_never_where_it_trains(n, folds):
    splits = [split_rows(n, folds=folds, fold=fold) for fold in range(folds)]
    np.testing.assert_array_equal(np.sort(np.concatenate([split.test for split in splits])), np.arange(n))
    for fold, split in enumerate(splits):
        whole = np.concatenate([split.train, split.val, split.test])
        np.testing.assert_array_equal(np.sort(whole), np.arange(n))
        np.testing.assert_array_equal(split.test, np.flatnonzero(fold_numbers(n, folds) == fold))
    assert np.ptp([len(split.test) for split in splits]) <= 1


def test_five_folds_are_split_as_without_folds():
    split = split_rows(1000, folds=5, fold=2)
    assert (len(split.train), len(split.val), len(split.test)) == (600, 200, 200)
    # Not the first fifth of the file, which may be in some order.
    assert np.ptp(split.test) > 900


def test_halves_of_the_training_part_are_made_of_folds_too():
    whole, *halves = (split_rows(100, part, folds=4, fold=1) for part in (None, "first", "second"))
    assert sorted([*halves[0].train, *halves[1].train]) == sorted(whole.train)
    for half in halves:
        np.testing.assert_array_equal(half.test, whole.test)


def test_groups_stay_whole_in_folds():
    group = np.repeat(np.arange(60), np.random.default_rng(1).integers(1, 9, 60))
    found = [split_groups(group, folds=3, fold=fold) for fold in range(3)]
    tested = [set(group[split.test]) for split in found]
    assert sum(map(len, tested)) == 60
    assert set.union(*tested) == set(range(60))
    for split, its in zip(found, tested, strict=True):
        assert not its & set(group[split.train])
        assert not its & set(group[split.val])


@pytest.mark.parametrize(
    ("n", "folds", "fold", "said"),
    [
        (49, 5, 0, "data.folds=5: folds of 9 of 49 entries are too small; at least 10 in each"),
        (100, 5, 5, "data.fold=5 is out of range; data.folds=5 has the folds 0 to 4"),
        (100, 5, None, "a run tests one fold"),
        (100, 1, 0, "at least 2 are needed"),
    ],
)
def test_what_is_no_fold_is_refused(n, folds, fold, said):
    with pytest.raises(UserError, match=said):
        split_rows(n, folds=folds, fold=fold)


def test_a_datamodule_tests_its_fold_whatever_the_seed(tmp_path):
    files = [write_table_file(tmp_path / f"{name}.h5", make_table(200, seed)) for seed, name in enumerate("ab", 1)]
    samples = {"samples": {file.stem: str(file) for file in files}, "background": "a", "bundled": False}
    tested = []
    for fold in range(4):
        rows = []
        for seed in (1, 2):
            data = TableDataModule(**samples, folds=4, fold=fold, seed=seed)
            data.setup()
            rows.append(data.test_entries["a"].index.tolist())
        assert rows[0] == rows[1]
        assert len(data.test_entries["b"]) == 200
        tested += rows[0]
    assert sorted(tested) == list(range(200))


def test_jets_of_an_event_are_in_one_fold(write_jets):
    path = str(write_jets("zb"))
    events = []
    for fold in range(3):
        data = JetsDataModule(samples={"zb": path}, background="zb", bundled=False, folds=3, fold=fold)
        data.setup()
        test = set(data.test_entries["zb"].index.tolist())
        assert not test & set(data.train_entries.index.tolist())
        events += test
    assert len(events) == len(set(events)) > 300
