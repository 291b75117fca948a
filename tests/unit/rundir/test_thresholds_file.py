"""thresholds.json: what is kept comes back, and what a stranger wrote is refused."""

import json

import pytest

from hepad.core.errors import UserError
from hepad.rundir.thresholds_file import THRESHOLDS, current_thresholds, keep_threshold, read_thresholds

SHARE = {"entries": 100, "beyond": 10, "value": 0.1, "low": 0.07, "high": 0.13}
POINT = {
    "fpr": 0.1,
    "threshold": 3.5,
    "low": 3.0,
    "high": 4.0,
    "chosen": SHARE,
    "tested": SHARE,
    "agreement": 0.4,
    "checkpoint_sha256": "a",
}


def test_points_are_kept_by_name_until_the_weights_change(tmp_path):
    assert read_thresholds(tmp_path) == {}
    keep_threshold(tmp_path, "1kHz", POINT)
    keep_threshold(tmp_path, "3kHz", POINT | {"threshold": 2.5})
    keep_threshold(tmp_path, "1kHz", POINT | {"threshold": 3.25})
    assert {name: found["threshold"] for name, found in read_thresholds(tmp_path).items()} == {
        "3kHz": 2.5,
        "1kHz": 3.25,
    }
    assert len(current_thresholds(tmp_path, "a")) == 2
    with pytest.raises(UserError, match=r"3kHz was chosen with other weights.*again with hepad.threshold"):
        current_thresholds(tmp_path, "b")
    keep_threshold(tmp_path, "loose", POINT | {"checkpoint_sha256": "b"})
    assert list(current_thresholds(tmp_path, "b")) == ["loose"]


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ({"x": POINT | {"threshold": "3"}}, "a number is needed"),
        ({"x": POINT | {"fpr": 2}}, "from 0 to 1"),
        ({"x": {key: value for key, value in POINT.items() if key != "tested"}}, "has no tested"),
        ({"../x": POINT}, "letters, digits"),
        ([POINT], "a mapping with words as keys"),
        ({str(i): POINT for i in range(101)}, "no more than 100"),
    ],
)
def test_a_strangers_file_is_refused(tmp_path, points, told):
    (tmp_path / THRESHOLDS).write_text(json.dumps({"thresholds": points}))
    with pytest.raises(UserError, match=told):
        read_thresholds(tmp_path)
