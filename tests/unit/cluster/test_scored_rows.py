"""Scores on their way from a worker to the command: fewer bytes, the same numbers."""

import pickle

import numpy as np
import pytest

from hepad.run.cluster_scoring import ScoredRows, shared_out
from hepad.run.context_range import ContextRange
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
    found = pickle.loads(
        pickle.dumps(ScoredRows.of([sent], Tally(dropped=2, left_out={"empty slots": 5}), ContextRange({})))
    )
    columns = found.scored.columns()
    assert (found.dropped, found.left_out) == (2, {"empty slots": 5})
    assert columns.keys() == sent.columns().keys()
    for name, values in sent.columns().items():
        assert columns[name].dtype == values.dtype
        np.testing.assert_array_equal(columns[name], values)


def test_rows_and_slots_take_few_bytes():
    sent = ScoredEntries(np.zeros(1000, np.float32), np.arange(1000) + 10**9, np.zeros(1000, np.int64))
    columns = ScoredRows.of([sent], Tally(), ContextRange({})).columns
    assert sum(values.nbytes for values, _ in columns.values()) == 1000 * (4 + 2 + 1)


def test_rows_without_entries_have_no_scores():
    assert ScoredRows.of([], Tally(dropped=3), ContextRange({})).scored is None


@pytest.mark.parametrize("n_rows", [1, 255, 256, 20_000, 50_001, 10_000_000])
@pytest.mark.parametrize("step", [170, 8192, 123_361])
def test_tasks_are_of_whole_blocks_and_enough_for_all_workers(n_rows, step):
    block, n_workers = 256, 2
    tasks = shared_out(range(0, n_rows, step), block, n_workers)
    assert [row for part in tasks for row in (part.start, part.stop)] == [
        0, *(edge for part in tasks[1:] for edge in (part.start, part.start)), n_rows
    ]  # fmt: skip
    assert all(part.step <= step for part in tasks)
    if step >= block:
        assert all((part.stop - part.start) % block == 0 for part in tasks[:-1])
    if n_rows >= 16 * block:
        assert len(tasks) >= 16
