"""Differences between two lists of scores, in parts of what they are."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.exporting.parity import Parity, chunks, compare
from hepad.exporting.scorer import Scorer
from hepad.models import DenseAutoencoder


def test_a_score_that_may_be_negative_is_measured_by_the_typical_size() -> None:
    expected, found = np.array([1e-9, 2.0, -2.0]), np.array([2e-9, 2.0, -2.0])
    assert Parity.of(expected, found).max_relative == pytest.approx(1.0)
    assert Parity.of(expected, found, signed=True).max_relative == pytest.approx(5e-10)


def test_nan_on_one_side_alone_differs_infinitely() -> None:
    nan = np.array([np.nan, 1.0])
    assert Parity.of(nan, nan).max_absolute == 0
    assert Parity.of(nan, np.ones(2)).max_absolute == np.inf


def test_the_first_entry_is_tried_alone_and_every_entry_once() -> None:
    sizes = [len(batch.x) for batch in chunks(Batch(torch.arange(10.0).unsqueeze(1)), 4)]
    assert sizes == [1, 4, 4, 1]


def test_what_differs_is_found_in_its_sample() -> None:
    model = DenseAutoencoder((3,), loss={"_target_": "hepad.losses.MSE"}).eval()
    scorer = Scorer(model, thresholds={"cut": 0.5})
    samples = {"a": Batch(torch.randn(5, 3)), "b": Batch(torch.randn(4, 3))}

    def wrong(arrays: object) -> dict[str, np.ndarray]:
        x = torch.from_numpy(arrays[0])  # type: ignore[index]
        with torch.no_grad():
            score = model.anomaly_score(Batch(x)).numpy()
        if len(x) == 3:
            score = score * 1.5
        return {"score": score, "accepted_cut": score <= 0.5}

    whole, each, scores = compare(model, scorer, wrong, samples)
    assert each["a"].max_relative < 1e-6
    assert whole.max_relative == pytest.approx(0.5) == each["b"].max_relative
    assert whole.entries == 9 == whole.decisions
    assert {name: len(values) for name, values in scores.items()} == {"a": 5, "b": 4}
