"""Scores of a latent search some of whose restarts failed."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import JobError
from hepad.data.entries import Entries
from hepad.inference import SearchResult
from hepad.inference.search_findings import failures, finite_scores, mean_moved, standstill


def found(losses: list[list[float]], failed: list[list[bool]], moved: float = 1.0) -> SearchResult:
    trace = torch.tensor(losses).unsqueeze(-1)
    wrong = torch.tensor(failed)
    distances = torch.where(wrong, torch.inf, moved)
    return SearchResult(trace, trace, trace, torch.ones_like(wrong, dtype=torch.long), distances, wrong)


def jets(index: list[int], slot: list[int] | None) -> Entries:
    rows = np.array(index)
    return Entries(Batch(torch.zeros(len(index), 1)), rows, slot=None if slot is None else np.array(slot))


ONE_WRONG = found([[1.0, 3.0], [0.1, 4.0], [0.2, 0.2]], [[False, False], [True, False], [True, True]], 2.0)
SOUND = found([[9.0, 7.0]], [[False, False]])


def test_failed_restarts_are_left_out_and_lost_entries_lead() -> None:
    scores = finite_scores({"background": ONE_WRONG, "signal": SOUND}, "mean")
    # The second entry's failed restart had come to the lowest loss, the third has no other.
    np.testing.assert_allclose(scores["background"], [2.0, 4.0, 8.0])
    np.testing.assert_allclose(scores["signal"], [8.0])
    np.testing.assert_allclose(finite_scores({"a": ONE_WRONG}, "min")["a"], [1.0, 4.0, 4.0])


def test_scores_that_mean_nothing_are_an_error() -> None:
    lost = found([[1.0], [2.0], [3.0]], [[True], [True], [False]])
    with pytest.raises(JobError, match="67% of the entries of signal"):
        finite_scores({"background": SOUND, "signal": lost}, "mean")


def test_rows_and_slots_are_named_once() -> None:
    text = failures("signal", ONE_WRONG, jets([7, 7, 7], [0, 1, 4]))
    assert text is not None
    assert "(row 7 slot 1, 7 slot 4)" in text
    assert "3 restarts of 2 entries of signal" in text
    assert "1 entries have no other" in text
    assert text.startswith("Scores of signal are to be doubted: 50% of all restarts failed.")
    assert "(row 5, 6)" in (failures("signal", ONE_WRONG, jets([4, 5, 6], None)) or "")
    assert failures("signal", SOUND, jets([0], None)) is None


def test_few_failures_cast_no_doubt() -> None:
    few = found([[1.0]] * 50, [[True]] + [[False]] * 49)
    assert (failures("signal", few, jets(list(range(50)), None)) or "").startswith("1 restarts of 1 entries")


def test_distances_are_those_of_sound_restarts() -> None:
    assert mean_moved(ONE_WRONG) == 2.0
    assert np.isnan(mean_moved(found([[1.0]], [[True]])))


def test_weights_that_stood_still() -> None:
    still = found([[1.0, 1.0], [1.0, 1.0]], [[False, False], [False, False]], moved=0.0)
    assert "100% of all restarts did not move" in (standstill({"a": still}) or "")
    assert "80% of all restarts" in (standstill({"a": still, "b": found([[1.0]], [[False]])}) or "")
    assert standstill({"a": SOUND}) is None
