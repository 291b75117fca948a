"""The split and the batches."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import train_test_split

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.data import JetsDataModule
from hepad.data.loader import BatchLoader
from hepad.data.split import split_groups, split_rows


@pytest.mark.parametrize("n", [10, 101, 1000, 50_000])
def test_the_split_is_the_workshops_row_by_row(n):
    train, rest = train_test_split(np.arange(n), test_size=0.4, random_state=42)
    val, test = train_test_split(rest, test_size=0.5, random_state=123)
    split = split_rows(n)
    np.testing.assert_array_equal(split.train, train)
    np.testing.assert_array_equal(split.val, val)
    np.testing.assert_array_equal(split.test, test)


def test_the_split_is_60_20_20():
    split = split_rows(1000)
    assert (len(split.train), len(split.val), len(split.test)) == (600, 200, 200)


def test_every_entry_falls_in_exactly_one_part():
    split = split_rows(1237)
    everything = np.concatenate([split.train, split.val, split.test])
    np.testing.assert_array_equal(np.sort(everything), np.arange(1237))


@pytest.mark.parametrize("half", [None, "first", "second"])
def test_a_group_is_in_one_part_and_groups_are_split_as_rows(half):
    group = np.repeat(np.arange(0, 3000, 3), np.random.default_rng(1).integers(1, 9, 1000))
    found, expected = split_groups(group, half), split_rows(1000, half)
    for part in ("train", "val", "test"):
        of_part = group[getattr(found, part)]
        assert list(dict.fromkeys(of_part)) == (3 * getattr(expected, part)).tolist()
        assert len(of_part) == np.isin(group, of_part).sum()


def test_groups_of_one_are_split_as_rows():
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(split_groups(np.arange(97)), part), getattr(split_rows(97), part))


def test_jets_of_an_event_stay_together_unless_the_workshop_s_split_is_asked_for(write_jets):
    def events(**settings):
        path = str(write_jets("zb"))
        data = JetsDataModule(samples={"zb": path}, background="zb", bundled=False, **settings)
        data.setup()
        return [set(part.index.tolist()) for part in (data.train_entries, data.val_entries, data.test_entries["zb"])]

    train, val, test = events()
    assert not train & val
    assert not train & test
    assert not val & test
    teacher, student = (events(half=half) for half in ("first", "second"))
    assert not teacher[0] & student[0]
    assert teacher[0] | student[0] == train
    assert teacher[1:] == student[1:] == [val, test]
    train, _, test = events(split="entries")
    assert train & test
    with pytest.raises(UserError, match=r"data\.split=rows; allowed: events, entries"):
        events(split="rows")


def test_too_few_entries():
    with pytest.raises(UserError, match="9 background entries"):
        split_rows(9)


ENTRIES = Batch(x=torch.arange(23.0).reshape(23, 1), weight=torch.arange(23.0))


def rows_of(loader):
    return torch.cat([batch.x for batch in loader]).flatten().tolist()


def test_without_shuffling_every_entry_comes_once_in_order():
    loader = BatchLoader(ENTRIES, 5)
    assert len(loader) == 5
    assert rows_of(loader) == list(range(23))


def test_shuffling_depends_on_seed_and_epoch_alone():
    loader = BatchLoader(ENTRIES, 5, shuffle_seed=1)
    first = rows_of(loader)
    loader.sampler.set_epoch(1)
    second = rows_of(loader)
    assert sorted(first) == sorted(second) == list(range(23))
    assert first != second
    resumed = BatchLoader(ENTRIES, 5, shuffle_seed=1)
    resumed.sampler.set_epoch(1)
    torch.manual_seed(99)
    assert rows_of(resumed) == second
    other = BatchLoader(ENTRIES, 5, shuffle_seed=2)
    other.sampler.set_epoch(1)
    assert rows_of(other) != second


def test_fields_stay_together():
    for batch in BatchLoader(ENTRIES, 5, shuffle_seed=1):
        assert batch.x.flatten().tolist() == batch.weight.tolist()
        assert batch.mask is None


def test_drop_last_never_drops_everything():
    assert len(BatchLoader(ENTRIES, 5, drop_last=True)) == 4
    assert len(BatchLoader(ENTRIES, 64, drop_last=True)) == 1


def test_processes_have_equal_shares_of_every_batch():
    shares = [[len(b.x) for b in BatchLoader(ENTRIES, 5, shuffle_seed=1, rank=r, world_size=2)] for r in (0, 1)]
    assert shares[0] == shares[1] == [2, 2, 2, 2, 1]
