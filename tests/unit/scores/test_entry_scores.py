"""Entries in memory, looked through chunk by chunk: what is said of them is said of all of them."""

import numpy as np
import pytest
import torch

from hepad.core.errors import UserError
from hepad.models import AnomalyModel
from hepad.scores.entry_arrays import entry_rows
from hepad.scores.entry_scores import score_rows
from hepad.scores.forward import Forward
from hepad.scores.slot_rules import SlotRule

NAMES = ("pt", "eta", "mass")


class Total(AnomalyModel):
    structures = frozenset({"vector", "set"})

    def score_batch(self, batch):
        return batch.x.flatten(1).sum(dim=1)


def scores_of(entries, shape=(3,), slots=None, names=None, size=64):
    forward = Forward(Total(shape).eval(), torch.device("cpu"))
    forward.rows_at_once = size
    return score_rows(forward, entry_rows(entries, shape, NAMES, names), slots, None)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 200])
def test_every_entry_has_its_score(n):
    entries = np.random.default_rng(0).random((n, 3)).astype(np.float32)
    np.testing.assert_array_equal(scores_of(entries), torch.from_numpy(entries).sum(dim=1).numpy())


@pytest.mark.parametrize("dtype", ["f8", ">f4", "i4", "u2", "?"])
def test_numbers_of_any_kind_are_those_of_float32(dtype):
    entries = (np.random.default_rng(0).random((150, 3)) * 100).astype(dtype)
    np.testing.assert_array_equal(scores_of(entries), scores_of(entries.astype(np.float32)))
    shuffled = np.asfortranarray(entries[:, [2, 0, 1]])
    np.testing.assert_array_equal(scores_of(shuffled, names=["mass", "pt", "eta"]), scores_of(entries))


def test_all_bad_entries_are_counted_wherever_they_are():
    entries = np.ones((200, 3), dtype=np.float32)
    entries[[3, 100, 199], 1] = np.nan, np.inf, -np.inf
    with pytest.raises(UserError, match="3 of 200 entries hold NaN or inf"):
        scores_of(entries)


def test_a_second_padding_value_in_another_chunk_is_found():
    entries = np.ones((200, 3), dtype=np.float32)
    entries[[5, 6], 0] = -999
    slots = SlotRule(False, NAMES, "auto", None)
    found = scores_of(entries, slots=slots)
    assert np.flatnonzero(np.isnan(found)).tolist() == [5, 6]
    entries[150, 0] = -1
    with pytest.raises(UserError, match=r"several values up to 0 \(from -999 to -1\)"):
        scores_of(entries, slots=SlotRule(False, NAMES, "auto", None))


def test_what_is_in_masked_slots_does_not_count():
    events = np.random.default_rng(0).random((200, 4, 3)).astype(np.float32)
    mask = np.random.default_rng(1).random((200, 4)) > 0.3
    filled = np.where(mask[..., None], events, np.float32(np.nan))
    slots = SlotRule(True, NAMES, "auto", mask)
    expected = np.where(mask[..., None], events, 0)
    found = scores_of(filled, (4, 3), slots)
    np.testing.assert_array_equal(found, torch.from_numpy(expected).flatten(1).sum(dim=1).numpy())
