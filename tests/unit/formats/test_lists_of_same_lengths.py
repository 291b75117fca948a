"""Operations on the objects of all entries: what Awkward would have given, number by number and type by type."""

import operator

import awkward as ak
import numpy as np
import pytest

from hepad.formats import elementwise as module
from hepad.formats.elementwise import elementwise
from hepad.formats.expressions import evaluate

COUNTS = [2, 0, 3, 1]
PT = ak.unflatten(np.array([50, 20, 31, 30, 12, 99], np.float32), COUNTS)
ETA = ak.unflatten(np.array([-1, 3, 2.5, -2, 0.5, 5], np.float32), COUNTS)
N = ak.unflatten(np.array([3, 200, 7, 9, 0, 1], np.uint8), COUNTS)
COLUMNS = {"pt": PT, "eta": ETA, "n": N, "event": np.array([1.0, 2.0, 3.0, 4.0]), "later": PT[1:], "fixed": ak.Array(
    np.arange(8.0).reshape(4, 2)), "some": ak.mask(PT, PT > 25)}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "(pt > 15) and (abs(eta) < 4.7)", "15 < pt < 40", "-pt * 2 + eta", "n + 100", "n / 2", "not n",
        "n % 2 or pt > 40", "pt / event", "fixed * 2", "sqrt(pt) ** 2", "later - 1", "some > 30",
        "pt[pt > 30] * 2", "hypot(pt, eta)",
    ],
)  # fmt: skip
def test_it_is_what_awkward_says(text, monkeypatch):
    found = evaluate(text, COLUMNS.__getitem__)
    monkeypatch.setattr(module, "_lists", lambda array: None)
    expected = evaluate(text, COLUMNS.__getitem__)
    assert found.to_list() == expected.to_list()
    assert str(ak.type(found)) == str(ak.type(expected))


def test_lists_of_the_same_lengths_do_not_go_through_awkward():
    seen = []
    elementwise(lambda a, b: seen.append((type(a), type(b))) or a + b, PT[1:], ETA[1:])
    assert seen == [(np.ndarray, np.ndarray)]


def test_lists_of_other_lengths_are_refused_as_by_awkward():
    with pytest.raises(ValueError, match="broadcast"):
        elementwise(operator.add, PT, ak.unflatten(np.ones(6), [3, 0, 2, 1]))
