"""Fixed-point numbers are those of Vitis HLS, and ranges hold what they were chosen for."""

from fractions import Fraction

import numpy as np
import pytest

from hepad.firmware.fixed_point import FixedPoint


def by_fractions(value: float, width: int, integer: int) -> float:
    """AP_RND and AP_SAT, in whole numbers of any size."""
    whole = (Fraction(value) * Fraction(2) ** (width - integer) + Fraction(1, 2)).__floor__()
    whole = max(-(2 ** (width - 1)), min(2 ** (width - 1) - 1, whole))
    return float(Fraction(whole) * Fraction(2) ** (integer - width))


@pytest.mark.parametrize(("width", "integer"), [(8, 3), (6, 0), (5, -2), (4, 7), (20, 9)])
def test_values_are_rounded_half_up_and_saturate(width: int, integer: int) -> None:
    numbers = FixedPoint(width, integer)
    halves = numbers.step * (np.arange(-40, 41) / 2)
    values = np.concatenate([halves, np.random.default_rng(0).normal(size=300) * 2.0**integer])
    expected = [by_fractions(value, width, integer) for value in values]
    np.testing.assert_array_equal(numbers.nearest(values), expected)
    assert numbers.largest == by_fractions(1e9, width, integer)


@pytest.mark.parametrize("largest", [0.0, 1e-4, 0.49, 0.5, 0.999, 1.0, 3.99, 4.0, 117.3])
@pytest.mark.parametrize("width", [4, 12])
def test_a_range_holds_its_values_and_no_more_than_twice_as_much(largest: float, width: int) -> None:
    found = FixedPoint.holding(np.array([-largest / 3, largest]), width)
    assert found.largest >= largest - found.step
    assert largest == 0 or found.largest < 2 * largest + 2 * found.step
