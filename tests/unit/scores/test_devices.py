"""Words for the device that scores are computed on."""

import pytest
import torch

from hepad.core.errors import UserError
from hepad.scores.forward import scoring_device


@pytest.mark.parametrize(
    ("word", "cuda", "mps", "expected"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("gpu", True, True, "cuda"),
        ("gpu", False, True, "mps"),
        ("cuda", True, False, "cuda"),
        ("mps", True, True, "mps"),
        ("cpu", True, True, "cpu"),
    ],
)
def test_a_word_stands_for_what_is_there(monkeypatch, word, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert scoring_device(word).type == expected


@pytest.mark.parametrize(
    ("word", "said"),
    [("gpu", "no such device"), ("cuda", "no such device"), ("mps", "device=auto"), ("tpu", "allowed")],
)
def test_what_is_not_there_is_refused(monkeypatch, word, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=said):
        scoring_device(word)
