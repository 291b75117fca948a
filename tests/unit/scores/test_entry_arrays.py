"""Arrays of a user's own: columns by name, empty slots by their pT, shapes with what mends them."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.scores.entry_arrays import context_array, entry_array, named_features
from hepad.scores.slot_rules import empty_slots, real_slots

NAMES = ("pt", "eta", "phi")


def test_columns_are_found_by_name_in_arrays_records_and_tables():
    array = np.arange(12, dtype="f4").reshape(4, 3)
    shuffled = np.concatenate([array[:, [2, 0]], np.ones((4, 1)), array[:, [1]]], axis=1)
    names = ["phi", "pt", "more", "eta"]
    np.testing.assert_array_equal(entry_array(shuffled, (3,), NAMES, names), array)
    records = np.zeros(4, dtype=[(name, "f8") for name in names])
    for i, name in enumerate(names):
        records[name] = shuffled[:, i]
    np.testing.assert_array_equal(entry_array(records, (3,), NAMES, None), array)

    class Table:
        columns = names

        def __array__(self, dtype=None, copy=None):
            return shuffled.astype(dtype)

    np.testing.assert_array_equal(entry_array(Table(), (3,), NAMES, None), array)
    np.testing.assert_array_equal(entry_array(shuffled[None], (4, 3), NAMES, names), array[None])


@pytest.mark.parametrize(
    ("shape", "entry", "given", "said"),
    [
        ((5, 8, 3), (3,), None, r"single jets are array\.reshape\(-1, 3\), where empty slots get NaN"),
        ((3,), (3,), None, r"one entry is array\[None\]"),
        ((5, 4), (3,), None, r"features=\[…\]"),
        ((5, 4), (1, 18, 14), None, r"\(N, 1, 18, 14\) is needed"),
        ((5, 3), (3,), ["pt", "eta"], "2 names for entries"),
        ((5, 2), (3,), ["pt", "eta"], "no column phi; this run scores: pt, eta, phi"),
    ],
)
def test_another_shape_is_told_with_what_mends_it(shape, entry, given, said):
    with pytest.raises(UserError, match=said):
        entry_array(np.ones(shape), entry, NAMES, given)


def test_empty_slots_are_all_zero_or_of_no_pt():
    jets = np.array([[20, 1, 2], [0, 0, 0], [0, 1, 1]], dtype="f4")
    assert empty_slots(jets, NAMES).tolist() == [False, True, True]
    assert empty_slots(np.array([[20, 1, 2], [-999, 0, 0]], dtype="f4"), NAMES).tolist() == [False, True]


def test_a_pt_of_several_values_up_to_0_does_not_tell_which_slots_are_empty():
    jets = np.array([[20, 1, 2], [-1, 3, 0], [-0.5, 3, 0]], dtype="f4")
    with pytest.raises(UserError, match=r"from -1 to -0\.5.*mask=…"):
        empty_slots(jets, NAMES)
    with pytest.raises(UserError, match=r"from -1 to -0\.5.*mask=…"):
        real_slots(jets[None], NAMES, "auto")
    assert real_slots(jets[None], NAMES, "auto", [[1, 1, 0]]).tolist() == [[True, True, False]]


EVENTS = np.array([[[20, 1, 2], [0, 0, 0]], [[0, 3, 0], [5, 0, 0]]], dtype="f4")
FIRST_ALONE = [[True, False], [True, False]]


@pytest.mark.parametrize(
    ("names", "padding", "mask", "expected"),
    [
        (NAMES, "auto", None, [[True, False], [False, True]]),
        (None, "auto", None, [[True, False], [True, True]]),
        (("a", "eta", "phi"), "eta", None, [[True, False], [True, False]]),
        (NAMES, "none", None, [[True, True], [True, True]]),
        (NAMES, "auto", FIRST_ALONE, FIRST_ALONE),
        (NAMES, "mask", np.array([[2.0, 0.0], [1.0, 0.0]]), FIRST_ALONE),
    ],
)
def test_slots_of_events_are_told_as_the_run_tells_them(names, padding, mask, expected):
    assert real_slots(EVENTS, names, padding, mask).tolist() == expected


@pytest.mark.parametrize(
    ("padding", "mask", "said"),
    [
        ("mask", None, r"data\.padding=mask, .* give mask=\(N, 2\)"),
        ("energy", None, r"data\.padding=energy, .* give mask=\(N, 2\)"),
        ("auto", [True, False], r"shape \(2,\); .*\(2, 2\)"),
    ],
)
def test_slots_that_the_events_do_not_tell_need_a_mask(padding, mask, said):
    with pytest.raises(UserError, match=said):
        real_slots(EVENTS, NAMES, padding, mask)


@pytest.mark.parametrize("facts", [{}, {"entries": 3}, {"entries": {"definition": {"features": [1]}}}])
def test_a_provenance_without_names(facts):
    assert named_features(facts) is None


@pytest.mark.parametrize("context", ["high", [[1.0], [2.0, 3.0]], [[None], [1j]]])
def test_a_context_that_is_no_array_of_numbers_is_told(context):
    with pytest.raises(UserError, match=r"conditioned on m_jj; an array of numbers, \(2, 1\), is needed as context"):
        context_array(np.zeros((2, 3)), 2, ("m_jj",), None, context)
