"""Files of their own for training, validation and test: each entry is where its file says, and on one side alone."""

import h5py
import numpy as np
import pytest
from tests.conftest import TABLE_COLUMNS, make_jets, make_table, write_jet_file, write_table_file

from hepad.core.errors import UserError
from hepad.core.inputs import sample_files_by_part
from hepad.data import JetsDataModule, TableDataModule
from hepad.formats.direct import direct_file

SIZES = {"train": 120, "val": 40, "test": 70}


@pytest.fixture
def files(tmp_path):
    for seed, (part, n) in enumerate(SIZES.items()):
        write_table_file(tmp_path / f"{part}.h5", make_table(n, seed))
    return {part: str(tmp_path / f"{part}.h5") for part in SIZES}


def read(given, kind=TableDataModule, **settings):
    data = kind(samples={"a": given}, background="a", bundled=False, **settings)
    data.setup()
    return data


def as_sets(*entries):
    return [{tuple(row) for row in found.batch.x.tolist()} for found in entries]


def test_each_part_is_that_of_its_file(files):
    data = read(files)
    found = (data.train_entries, data.val_entries, data.test_entries["a"])
    for seed, (entries, n) in enumerate(zip(found, SIZES.values(), strict=True)):
        assert len(entries) == n
        assert as_sets(entries) == [{tuple(row) for row in make_table(n, seed).tolist()}]
    # The order of training is a random one, and every run's.
    assert (np.diff(data.train_entries.index) < 0).any()
    np.testing.assert_array_equal(read(files).train_entries.index, data.train_entries.index)
    assert data.feature_names == TABLE_COLUMNS


def test_without_a_file_of_its_own_a_quarter_of_what_trains_validates(files):
    data = read({"train": files["train"], "test": [files["test"], files["val"]]})
    assert (len(data.train_entries), len(data.val_entries), len(data.test_entries["a"])) == (90, 30, 110)


def test_halves_and_limits_keep_the_parts(files):
    halves = [read(files, half=half) for half in ("first", "second")]
    first, second = as_sets(*(data.train_entries for data in halves))
    assert len(first) == len(second) == 60
    assert not first & second
    limited = read(files, limit=23)
    assert (len(limited.train_entries), len(limited.val_entries), len(limited.test_entries["a"])) == (12, 4, 7)


def test_jets_of_an_event_stay_together(tmp_path):
    for seed, part in enumerate(SIZES):
        write_jet_file(tmp_path / f"{part}.h5", 60, seed=seed)
    data = read({part: str(tmp_path / f"{part}.h5") for part in ("train", "test")}, JetsDataModule)
    events = [set(found.index.tolist()) for found in (data.train_entries, data.val_entries, data.test_entries["a"])]
    assert not (events[0] & events[1]) | (events[0] & events[2])
    assert len(events[1]) == -(-(len(events[0]) + len(events[1])) // 4)
    n_real = sum(int((make_jets(60, 3.0, 15.0, seed)[..., 0] > 0).sum()) for seed in (0, 2))
    assert sum(map(len, (data.train_entries, data.val_entries, data.test_entries["a"]))) == n_real


def test_a_sample_that_is_tested_alone_is_tested_on_its_test_file(files, tmp_path):
    mine = str(write_table_file(tmp_path / "mine.h5", make_table(200, 9)))
    data = TableDataModule(samples={"mine": mine, "a": files}, background="mine", bundled=False)
    data.setup()
    assert len(data.test_entries["a"]) == SIZES["test"]


def test_truth_is_tested_part_by_part(files, tmp_path):
    for part, n in SIZES.items():
        with h5py.File(files[part], "a") as file:
            file["label"] = np.arange(n) % 2
    data = read(files)
    assert {name: len(found) for name, found in data.test_entries.items()} == {"a": 35, "a_signal": 35}


def test_an_entry_on_both_sides_is_refused(files, tmp_path):
    table = make_table(SIZES["test"], 2)
    table[:9] = make_table(SIZES["train"], 0)[:9]
    write_table_file(tmp_path / "mixed.h5", table)
    with pytest.raises(UserError, match="9 tested entries of a are among those that train or validate"):
        read({**files, "test": str(tmp_path / "mixed.h5")})
    # So too where the file that trains is another sample as well.
    data = TableDataModule(samples={"a": files, "b": files["train"]}, background="a", bundled=False)
    with pytest.raises(UserError, match="120 tested entries of b"):
        data.setup()


def test_folds_of_such_files_are_refused(files):
    with pytest.raises(UserError, match="files for train and for test say what is tested"):
        read(files, folds=3, fold=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"train": "train.h5"}, "files for train and for test are needed"),
        ({"train": "train.h5", "test": "no.h5"}, "no file"),
        ({"train": "train.h5", "test": "test.h5", "dev": "val.h5"}, "no part dev; allowed: train, val, test"),
        ({"train": ["train.h5", "test.h5"], "test": "test.h5"}, "named for train and for test"),
        ({"train": "t*.h5", "test": "x*.h5"}, "no file matches"),
    ],
)
def test_what_is_no_such_mapping_is_one_line(given, said, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as raised:
        sample_files_by_part(given, "data.samples.mine")
    assert "\n" not in str(raised.value)


def test_parts_that_are_none_and_too_few_entries_are_told(files, tmp_path):
    path = direct_file(files, "a")
    with h5py.File(path) as file:
        assert np.bincount(file["split_part"][:]).tolist() == list(SIZES.values())
    write_table_file(tmp_path / "own.h5", make_table(50, 1))
    with h5py.File(tmp_path / "own.h5", "a") as file:
        file["split_part"] = np.arange(50) % 4
    with pytest.raises(UserError, match="0, 1 or 2 for each of 50 rows"):
        read(str(tmp_path / "own.h5"))
    write_table_file(tmp_path / "few.h5", make_table(9, 5))
    with pytest.raises(UserError, match="9 entries to train"):
        read({**files, "train": str(tmp_path / "few.h5")})
