"""Toys of counts: their Z is normal, nested cuts share events, parts are the whole."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.stats import count_toys

EXPECTED = np.array([[400.0, 300.0], [40.0, 30.0]])
ERROR = np.array([[20.0, 15.0], [5.0, 4.0]])


@pytest.mark.parametrize("constraint", ["gaussian", "gamma"])
def test_z_is_normal_with_the_error_in_it(constraint):
    z = count_toys(EXPECTED, ERROR, seed=0, n_toys=1500, constraint=constraint)
    assert np.abs(z.mean(axis=0)).max() < 0.15
    assert z.std(axis=0) == pytest.approx(np.ones((2, 2)), abs=0.1)


def test_without_an_error_the_prediction_is_the_truth():
    z = count_toys([[100.0]], [[0.0]], seed=0, n_toys=1000)
    assert z.std() == pytest.approx(1, abs=0.08)
    assert np.unique(z).size < 80


def test_nested_cuts_share_events():
    none = np.zeros_like(ERROR)
    nested, apart = (count_toys(EXPECTED, none, 0, 1500, nested=nested) for nested in (True, False))
    assert np.corrcoef(nested[:, 0, 0], nested[:, 1, 0])[0, 1] == pytest.approx(np.sqrt(0.1), abs=0.08)
    assert abs(np.corrcoef(apart[:, 0, 0], apart[:, 1, 0])[0, 1]) < 0.1
    assert abs(np.corrcoef(nested[:, 0, 0], nested[:, 0, 1])[0, 1]) < 0.1


def test_parts_of_a_job_have_the_bits_of_the_whole():
    whole = count_toys(EXPECTED, ERROR, seed=7, n_toys=50)
    assert np.array_equal(count_toys(EXPECTED, ERROR, seed=7, n_toys=20, first=30), whole[30:])
    assert not np.array_equal(count_toys(EXPECTED, ERROR, seed=8, n_toys=50), whole)


@pytest.mark.parametrize(
    ("expected", "error", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], "a number of each"),
        ([[np.nan]], [[1.0]], "a number of each"),
        ([[0.0]], [[1.0]], "background above 0"),
        ([[1.0], [2.0]], [[1.0], [1.0]], "from the loosest to the tightest"),
    ],
)
def test_expectations_that_are_none_are_refused(expected, error, message):
    with pytest.raises(UserError, match=message):
        count_toys(expected, error, 0, 10, nested=True)
