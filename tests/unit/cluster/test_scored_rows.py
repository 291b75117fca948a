"""Scores on their way from a worker to the command: fewer bytes, the same numbers."""

import pickle

import numpy as np
import pytest

from hepad.run.cluster_scoring import ScoredRows
from hepad.run.scored_entries import ScoredEntries, Tally

ROWS = {
    "rising": np.arange(300) + 10**12,
    "with gaps": np.array([0, 300, 70_000]),
    "of one row": np.array([3, 3, 3]),
    "far apart": np.array([0, 1, (1 << 60) + 1]),
    "none": np.empty(0, dtype=np.int64),
}


@pytest.mark.parametrize("index", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("weighted", [False, True])
def test_scores_come_as_they_were(index, weighted):
    rng = np.random.default_rng(0)
    score = rng.normal(size=len(index)).astype(np.float32)
    sent = ScoredEntries(score, index, rng.integers(0, 8, len(index)), score**2 if weighted else None)
    found = pickle.loads(pickle.dumps(ScoredRows.of([sent], Tally(dropped=2, left_out={"empty slots": 5}))))
    columns = found.scored.columns()
    assert (found.dropped, found.left_out) == (2, {"empty slots": 5})
    assert columns.keys() == sent.columns().keys()
    for name, values in sent.columns().items():
        assert columns[name].dtype == values.dtype
        np.testing.assert_array_equal(columns[name], values)


def test_rows_and_slots_take_few_bytes():
    sent = ScoredEntries(np.zeros(1000, np.float32), np.arange(1000) + 10**9, np.zeros(1000, np.int64))
    columns = ScoredRows.of([sent], Tally()).columns
    assert sum(values.nbytes for values, _ in columns.values()) == 1000 * (4 + 2 + 1)


def test_rows_without_entries_have_no_scores():
    assert ScoredRows.of([], Tally(dropped=3)).scored is None
