"""Rows of a search: each has one use, signal or none changes nothing else, and a seed says it all."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.data.injection import SearchRows, split_search_rows


def of(**changed) -> SearchRows:
    return split_search_rows(**{"n_background": 5000, "n_signal": 400, "injected": 60, "seed": 7} | changed)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.83])
def test_every_row_of_both_files_has_exactly_one_use(fraction):
    rows = of(data_fraction=fraction)
    np.testing.assert_array_equal(np.sort(np.concatenate([rows.data, rows.extra])), np.arange(5000))
    np.testing.assert_array_equal(np.sort(np.concatenate([rows.injected, rows.held_out])), np.arange(400))
    assert (len(rows.data), len(rows.injected)) == (round(5000 * fraction), 60)
    for part in vars(rows).values():
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


def test_a_seed_says_which_rows_these_are_and_another_one_draws_others():
    one, again, other = of(), of(), of(seed=8)
    for name, part in vars(one).items():
        np.testing.assert_array_equal(part, getattr(again, name))
        assert not np.array_equal(part, getattr(other, name))
    # The bits themselves: a search that is told its seed years later must find its rows again.
    rows = split_search_rows(8, 6, injected=2, seed=3)
    assert [part.tolist() for part in vars(rows).values()] == [[0, 5, 6, 7], [1, 2, 3, 4], [0, 1], [2, 3, 4, 5]]


def test_more_signal_holds_the_events_of_less_and_leaves_the_background_alone():
    less, more, none = of(injected=10), of(injected=90), of(injected=0)
    assert set(less.injected) < set(more.injected)
    assert len(none.injected) == 0
    assert len(none.held_out) == 400
    np.testing.assert_array_equal(less.data, more.data)
    np.testing.assert_array_equal(none.extra, more.extra)


def test_events_are_drawn_evenly_and_the_two_files_independently_of_each_other():
    rows = of(n_signal=5000, injected=2500)
    # Half of each half of the file: the standard deviation of that number is 18.
    assert abs((rows.data < 2500).sum() - 1250) < 75
    assert abs((rows.injected < 2500).sum() - 1250) < 75
    assert abs(len(np.intersect1d(rows.data, rows.injected)) - 1250) < 75


def test_all_of_the_background_may_be_data():
    rows = of(data_fraction=1)
    assert (len(rows.data), len(rows.extra)) == (5000, 0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"injected": 400}, "from 0 to 399 are possible, since the file has 400"),
        ({"injected": -1}, "from 0 to 399"),
        ({"n_signal": 0, "injected": 1}, "from 0 to 0"),
        ({"data_fraction": 0}, "0 of 5000 rows"),
        ({"data_fraction": 1.2}, "a fraction above 0 and up to 1"),
        ({"n_background": 0}, "at least one row"),
        ({"seed": -3}, "seed=-3"),
    ],
)
def test_what_cannot_be_dealt_out_is_named(changed, said):
    with pytest.raises(UserError, match=said):
        of(**changed)
