"""Regions: what lies in them, and which words are none."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.regions import parse_regions, region_facts


def test_the_low_end_lies_in_a_region_and_the_high_end_does_not():
    region = parse_regions({"signal": {"m": [3300, 3700]}})["signal"]
    m = np.array([3299.9, 3300, 3500, 3700, np.inf, np.nan])
    assert region.holds({"m": m}).tolist() == [False, True, True, False, False, False]


def test_intervals_are_alternatives_and_observables_are_all_needed():
    regions = parse_regions({"bands": {"m": [[700, None], [None, 300]], "pt": [20, None]}})
    m, pt = np.array([100.0, 100, 500, 900]), np.array([30.0, 10, 30, 30])
    assert regions["bands"].holds({"m": m, "pt": pt}).tolist() == [True, False, False, True]
    assert region_facts(regions["bands"]) == {"m": [[None, 300], [700, None]], "pt": [[20, None]]}


def test_intervals_that_touch_do_not_overlap():
    region = parse_regions({"all": {"m": [[0, 1], [1, 2]]}})["all"]
    assert region.holds({"m": np.array([0.5, 1.0, 1.5])}).all()
    assert parse_regions(None) == {}


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ({"r": {"m": [5, 3]}}, r"data\.regions\.r\.m=\[5, 3\] is empty: its low end must be below"),
        ({"r": {"m": [3, 3]}}, r"data\.regions\.r\.m=\[3, 3\] is empty"),
        ({"r": {"m": [float("nan"), 3]}}, r"data\.regions\.r\.m=\[nan, 3\] is empty"),
        ({"r": {"m": [[0, 5], [4, 9]]}}, r"data\.regions\.r\.m: \[0, 5\] and \[4, 9\] overlap"),
        ({"r": {"m": [[None, 5], [None, 3]]}}, r"\[null, 3\] and \[null, 5\] overlap"),
        ({"r": {}}, "it names no observable"),
        ({"r": None}, "data.regions.r=null: it names no observable"),
        ({"r": {"m": 3300}}, r"an interval \[low, high\] is needed"),
        ({"r": {"m": []}}, r"an interval \[low, high\] is needed"),
        ({"r": {"m": [1, 2, 3]}}, r"an interval \[low, high\] is needed"),
        ({"r": {"m": ["low", 3]}}, r"an interval \[low, high\] is needed"),
        (["signal"], "a mapping such as"),
    ],
)
def test_what_is_no_region_is_one_line(regions, said):
    with pytest.raises(UserError, match=said) as error:
        parse_regions(regions)
    assert "\n" not in str(error.value)
