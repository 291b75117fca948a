"""Arrow IPC streams: columns by name or lists, and streams that would cost more than their bytes."""

import contextlib

import numpy as np
import pyarrow as pa
import pytest
from tests.served import arrow_stream, described

from hepad.serving.arrow_bodies import read_arrow, write_arrow
from hepad.serving.batches import Refused

ENTRIES = np.arange(12, dtype=np.float32).reshape(4, 3)
COLUMNS = {name: ENTRIES[:, i] for i, name in enumerate(("pt", "eta", "mass"))}


def lists(array):
    """Return an array as lists of lists, of fixed sizes inside."""
    found = pa.array(array.ravel())
    for size in array.shape[:0:-1]:
        found = pa.FixedSizeListArray.from_arrays(found, size)
    return found


def refusal(table, run, **options) -> Refused:
    with pytest.raises(Refused) as refused:
        read_arrow(table if isinstance(table, bytes) else arrow_stream(table, **options), run)
    assert "\n" not in refused.value.reason
    return refused.value


def test_columns_are_found_by_name_in_any_order_and_kind():
    table = pa.table(
        {"phi": [1] * 4, "mass": COLUMNS["mass"].astype("i2"), "pt": COLUMNS["pt"].astype("f8"), "eta": COLUMNS["eta"]}
    )
    found = read_arrow(arrow_stream(table), described())
    assert found.features == ["pt", "eta", "mass"]
    np.testing.assert_array_equal(found.entries, ENTRIES)
    assert found.entries.dtype == np.float32


def test_several_batches_are_one():
    found = read_arrow(arrow_stream(pa.concat_tables([pa.table(COLUMNS)] * 3)), described())
    np.testing.assert_array_equal(found.entries, np.concatenate([ENTRIES] * 3))


@pytest.mark.parametrize("shape", [(2, 3), (4, 5), (2, 4, 5)])
def test_entries_are_lists_nested_or_flat(shape):
    array = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
    mask = array[..., 0] > 0
    run = described(shape, named=len(shape) == 2 and shape[1] == 3)
    for column in (
        lists(array),
        lists(array.reshape(6, -1)),
        pa.array(array.reshape(6, -1).tolist(), pa.list_(pa.float32())),
    ):
        found = read_arrow(arrow_stream(pa.table({"entries": column, "mask": lists(mask)})), run)
        np.testing.assert_array_equal(found.entries, array)
        np.testing.assert_array_equal(found.mask, mask.reshape(6, -1))


def test_context_stands_in_columns_of_its_name():
    run = described((2, 3), context=("m_jj",))
    found = read_arrow(arrow_stream(pa.table({"entries": lists(np.ones((2, 2, 3), "f4")), "m_jj": [3.0, 4.0]})), run)
    np.testing.assert_array_equal(found.context, [[3], [4]])
    found = read_arrow(arrow_stream(pa.table({**COLUMNS, "m_jj": [1.0] * 4})), described(context=("m_jj",)))
    assert found.features == ["pt", "eta", "mass", "m_jj"]


def test_what_is_refused_is_told_in_one_line():
    run = described()
    for table, told in (
        (pa.table({"energy": [1.0]}), "no column pt, eta, mass; it has: energy"),
        (pa.table({**COLUMNS, "pt": ["a"] * 4}), "column pt holds string"),
        (pa.table({**COLUMNS, "pt": pa.array([1, None, 2, 3], pa.float32())}), "column pt has nulls"),
        (pa.table({"entries": [[1.0, 2.0]]}), "2 numbers in a row"),
        (pa.table({"entries": [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0]]}), "unequal lengths"),
        (pa.table({"entries": [[[1.0], [2.0, 3.0]]]}), "unequal lengths"),
        (pa.table({"entries": [[1.0, 2.0, 3.0], None]}), "column entries has nulls"),
        (pa.table({"entries": pa.array([[]], pa.list_(pa.float32()))}), "empty lists"),
        (pa.table({name: pa.array([], pa.float32()) for name in COLUMNS}), "no entries"),
    ):
        found = refusal(table, run)
        assert (found.status, told in found.reason) == (422, True), found.reason
    assert "no column entries" in refusal(pa.table(COLUMNS), described((2, 3))).reason
    assert (
        "conditioned"
        in refusal(pa.table({"entries": lists(np.ones((2, 2, 3), "f4"))}), described((2, 3), context=("m",))).reason
    )


def test_a_stream_that_says_it_is_larger_than_it_is_is_refused():
    """A billion rows of nothing, or of zeros packed well, are a few bytes."""
    assert "null" in refusal(pa.table({"pt": pa.nulls(10**9)}), described()).reason
    packed = pa.table({"pt": np.zeros(10**6, "f4")})
    assert "compressed" in refusal(packed, described(max_rows=10**7), compression="zstd").reason
    words = pa.table({"pt": pa.DictionaryArray.from_arrays(pa.array([0] * 5, pa.int8()), pa.array([1.0]))})
    assert "dictionaries" in refusal(words, described()).reason
    assert refusal(packed, described(max_rows=10)).status == 413


def test_a_damaged_stream_is_refused_wherever_it_is_damaged():
    body = arrow_stream(pa.table(COLUMNS))
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(body)
        for place in rng.integers(0, len(body), 3):
            damaged[place] = rng.integers(0, 256)
        # Anything else than a refusal, or entries, is a bug.
        with contextlib.suppress(Refused):
            assert read_arrow(bytes(damaged[: rng.integers(1, len(body) + 1)]), described()).entries.dtype == np.float32


def test_an_answer_keeps_every_bit():
    score = np.array([1.5, np.nan, 3e38], dtype=np.float32)
    table = pa.ipc.open_stream(write_arrow({"score": score, "accepted_a": score > 2})).read_all()
    np.testing.assert_array_equal(table["score"].to_numpy(), score)
    assert table["accepted_a"].to_pylist() == [False, False, True]
