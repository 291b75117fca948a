"""Rates over runs and pileup: a share that is constant, one that is not, and one that is beyond any doubt."""

import numpy as np
import pytest

from hepad.run.drift import check_tables
from hepad.run.file_scores import ObservedScores
from hepad.run.scored_entries import ScoredEntries

N = 40_000


def caption(shares: list[float]) -> str:
    """Return what is said of runs that accept such shares of their entries."""
    run = np.repeat(np.arange(len(shares)), N // len(shares)).astype(np.float64)
    score = (np.random.default_rng(0).random(len(run)) < np.asarray(shares)[run.astype(int)]).astype(np.float32)
    found = ObservedScores(ScoredEntries(score, np.arange(len(run))), {"run": run})
    _, table = check_tables(found, {"loose": 0.5}, None)
    assert [row[0] for row in table.rows] == [str(i) for i in range(len(shares))]
    assert sum(row[2] for row in table.rows) == score.sum()
    return table.caption


def p_of(text: str) -> float:
    return float(text.rpartition("p = ")[2])


def test_a_share_that_is_constant_has_no_small_p():
    assert 0.01 < p_of(caption([0.1, 0.1, 0.1, 0.1])) <= 1


@pytest.mark.parametrize("last", [0.12, 0.9])
def test_a_share_that_drifts_is_told_also_where_p_underflows(last):
    assert p_of(caption([0.1, 0.1, 0.1, last])) < 1e-4


def test_one_run_has_nothing_to_be_compared_with():
    assert caption([0.1]) == "loose"
