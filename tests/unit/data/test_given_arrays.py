"""Entries in memory of every kind that is taken: the same numbers come out, and what cannot be taken is told."""

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
import torch

from hepad.core.errors import UserError
from hepad.data import given_array
from hepad.data.given_arrays import nearest_names
from hepad.scores.entry_arrays import entry_array, entry_rows

TABLE = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
JETS = [[(20.0, 1.0), (50.0, 2.0)], [], [(30.0, 3.0)]]


def ragged(events=JETS):
    return ak.Array([[{"pt": pt, "eta": eta} for pt, eta in event] for event in events])


@pytest.mark.parametrize(
    "entries",
    [
        torch.from_numpy(TABLE).requires_grad_(),
        torch.from_numpy(TABLE).double(),
        TABLE.tolist(),
        TABLE.astype(object),
        ak.Array(TABLE.tolist()),
    ],
)
def test_arrays_without_names(entries):
    found = given_array(entries)
    np.testing.assert_allclose(found.values.astype(np.float32), TABLE, rtol=1e-6)
    assert (found.names, found.mask) == (None, None)


def test_memory_that_cannot_be_written_is_taken_without_a_warning():
    shared = TABLE.copy()
    shared.flags.writeable = False
    rows = entry_rows(shared, (2,), ("a", "b"), None).rows(0, 5)
    assert torch.from_numpy(rows).shape == (5, 2)
    assert entry_rows(TABLE, (2,), ("a", "b"), None).rows(0, 5).base is not None


def test_half_precision_that_numpy_lacks():
    np.testing.assert_allclose(given_array(torch.ones(2, 3, dtype=torch.bfloat16)).values, 1)


@pytest.mark.parametrize(
    "entries",
    [
        np.rec.fromarrays(TABLE.T, names="a,b"),
        {"a": TABLE[:, 0], "b": torch.from_numpy(TABLE[:, 1])},
        pa.table({"a": TABLE[:, 0], "b": TABLE[:, 1]}),
        ak.zip({"a": TABLE[:, 0], "b": TABLE[:, 1]}),
    ],
)
def test_columns_bring_their_names(entries):
    found = given_array(entries)
    np.testing.assert_array_equal(found.values, TABLE)
    assert found.names == ("a", "b")
    np.testing.assert_array_equal(entry_array(entries, (2,), ("b", "a"), None), TABLE[:, ::-1])


def test_ragged_jets_fill_slots_by_falling_pt():
    found = given_array(ragged())
    assert found.values.tolist() == [[[50, 2], [20, 1]], [[0, 0], [0, 0]], [[30, 3], [0, 0]]]
    assert found.mask.tolist() == [[True, True], [False, False], [True, False]]
    columns = {"pt": ragged().pt, "eta": ragged().eta}
    np.testing.assert_array_equal(given_array(columns).values, found.values)
    assert given_array(ragged(), slots=1).values[:, 0, 0].tolist() == [50, 0, 30]
    assert given_array(ragged(), slots=3).mask.sum(axis=1).tolist() == [2, 0, 1]


def test_ragged_objects_without_names_keep_their_order():
    found = given_array(ak.Array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]))
    assert found.values.tolist() == [[[1, 2], [3, 4]], [[5, 6], [0, 0]]]
    assert found.names is None


def test_ragged_jets_take_as_many_slots_as_a_run_has_and_say_which_are_real():
    rows = entry_rows(ragged(), (4, 2), ("eta", "pt"), None)
    assert rows.rows(0, 3).shape == (3, 4, 2)
    assert rows.rows(0, 1)[0, 0].tolist() == [2, 50]
    assert rows.mask.sum(axis=1).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([[1.0, 2.0], [3.0]], r"lists of different lengths; awkward\.Array"),
        (np.array([["a", "b"]]), "numbers are needed, not <U1"),
        (np.ones((2, 2)) * 1j, "numbers are needed, not complex"),
        ({"a": [1.0], "b": [1.0, 2.0]}, r"different shapes: a \(1,\), b \(2,\)"),
        ({}, "a mapping without columns"),
        (pa.table({"a": [1.0], "b": ["x"]}), "column b: numbers are needed"),
        (np.ma.masked_equal(np.ones((2, 2)), 1), "a masked array"),
        (ak.Array([[1.0], [2.0, 3.0]]), "ragged array of depth 2 without fields"),
        (ak.Array([[[1.0], [2.0, 3.0]]]), "different numbers of features"),
        (ak.Array([{"pt": [1.0], "met": 2.0}]), "depths that are no entries: pt 2, met 1"),
        (ak.Array([{"pt": [[1.0]]}]), "depths that are no entries: pt 3"),
        (ak.Array([[{"pt": 1.0}, {"pt": None}]]), "pt holds None"),
        (ak.Array([{"jet": {"pt": 1.0}}]), "jet holds records itself"),
        (ak.Array([{"name": "a"}]), "name"),
    ],
)
def test_what_is_no_array_of_entries_is_told_in_one_line(entries, said):
    with pytest.raises(UserError, match=said) as error:
        given_array(entries)
    assert "\n" not in str(error.value)


def test_ragged_entries_of_another_depth_than_the_run_scores():
    with pytest.raises(UserError, match=r"scores entries of shape \(2,\); single ones are awkward\.flatten"):
        entry_rows(ragged(), (2,), ("pt", "eta"), None)


def test_features_by_other_names_are_suggested():
    with pytest.raises(UserError, match=r"no column pt, phi; did you mean jet_pt for pt\? this run scores: pt, phi"):
        entry_rows({"jet_pt": [1.0], "x": [1.0]}, (2,), ("pt", "phi"), None)
    assert nearest_names(["tau21_j1"], ["tau_21_j1", "mass"]) == "did you mean tau_21_j1 for tau21_j1? "
    assert nearest_names(["m_jj"], ["energy"]) == ""
