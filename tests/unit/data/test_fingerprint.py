"""Entries are known again wherever their file was copied to, and are not mistaken for others."""

import numpy as np
import pytest
import torch

from hepad.data.entries import shares_entries, sketch_of


def entries(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 8, 3)).astype(np.float32))


def test_the_sketch_depends_on_the_values_alone():
    x = entries(500, 0)
    assert sketch_of(x) == sketch_of(x.flip(0))
    assert sketch_of(x) != sketch_of(entries(500, 1))


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_a_part_of_the_entries_is_found_among_others(share):
    x = entries(1000, 0)
    sketch = sketch_of(x)
    among = torch.cat([entries(800, 1), x[: int(share * 1000)].flip(0)])
    assert shares_entries(sketch, [entries(10, 2), among])
    assert not shares_entries(sketch, [entries(800, 1), entries(10, 2)])


def test_few_entries_are_found_too():
    x = entries(1, 0)
    assert shares_entries(sketch_of(x), [x])
    assert shares_entries(sketch_of(entries(2, 0)), [entries(2, 0)])


def test_empty_and_equal_entries_say_nothing():
    empty = torch.zeros(100, 8, 3)
    assert sketch_of(empty) == sketch_of(torch.ones(2, 8, 3)) == ""
    assert not shares_entries("", [empty])
    assert not shares_entries(sketch_of(torch.cat([empty, entries(100, 0)])), [empty])


def test_a_single_entry_in_common_is_chance():
    x = entries(200, 0)
    sketch = sketch_of(x)
    one = next(row for row in x if shares_entries(sketch_of(row[None]), [row[None]]) and sketch_of(row[None]) in sketch)
    assert not shares_entries(sketch, [one[None]])


def test_minus_zero_is_zero():
    x = entries(100, 0).clamp(min=0)
    assert sketch_of(x) == sketch_of(torch.where(x == 0, -torch.zeros(()), x))
