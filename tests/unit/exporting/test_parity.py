"""Differences between two lists of scores, in parts of what they are."""

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.exporting.parity import Parity, chunks, compare
from hepad.exporting.rounding import FACTOR, in_parts_of_rounding
from hepad.exporting.scorer import Scorer
from hepad.models import AnomalyModel, DenseAutoencoder


def test_a_score_that_may_be_negative_is_measured_by_the_typical_size() -> None:
    expected, found = np.array([1e-9, 2.0, -2.0]), np.array([2e-9, 2.0, -2.0])
    assert Parity.of(expected, found).max_relative == pytest.approx(1.0)
    assert Parity.of(expected, found, signed=True).max_relative == pytest.approx(5e-10)


def test_nan_on_one_side_alone_differs_infinitely() -> None:
    nan = np.array([np.nan, 1.0])
    assert Parity.of(nan, nan).max_absolute == 0
    assert Parity.of(nan, np.ones(2)).max_absolute == np.inf


class Difference(AnomalyModel):
    """The square of the difference of two columns: where they are nearly alike, float32 keeps few digits of it."""

    structures = frozenset({"vector"})

    def score_batch(self, batch: Batch) -> torch.Tensor:
        return (batch.x[:, 0] * 1.1 - batch.x[:, 1] * 1.1).square()


def test_rounding_alone_is_told_from_a_wrong_file() -> None:
    """Of nearly equal columns a tiny score may differ by a percent; of others not by a part in a thousand."""
    torch.manual_seed(0)
    first = 1 + torch.rand(400)
    near = Batch(torch.stack([first, first + 2e-6 * (1 + torch.rand(400))], dim=1))
    far = Batch(torch.stack([first, first + 1], dim=1))
    model = Difference((2,), normalizer="none").eval()

    def other_order(arrays: object) -> dict[str, np.ndarray]:
        x = arrays[0]  # type: ignore[index]
        return {"score": ((x[:, 0] - x[:, 1]) * np.float32(1.1)) ** 2}

    def wrong(arrays: object) -> dict[str, np.ndarray]:
        return {"score": other_order(arrays)["score"] * np.float32(1.0005)}

    scorer = Scorer(model)
    rounded, each, _ = compare(model, scorer, other_order, {"near": near, "far": far})
    assert rounded.max_relative > 1e-3
    assert rounded.beyond == each["near"].beyond > 100
    assert each["far"].beyond == 0
    assert rounded.agrees
    found, each, _ = compare(model, scorer, wrong, {"near": near, "far": far})
    assert each["far"].beyond == 400
    assert each["far"].of_rounding > 10
    assert not found.agrees
    # Whoever asks for no more is not told otherwise.
    assert compare(model, scorer, wrong, {"far": far}, tolerance=1e-3)[0].agrees


def test_float64_judges_nan_and_a_score_that_is_none() -> None:
    model = Difference((2,), normalizer="none").eval()
    batch = Batch(torch.rand(3, 2))
    score = model.anomaly_score(batch).numpy()
    assert in_parts_of_rounding(model, batch, score) <= 1 / FACTOR
    assert in_parts_of_rounding(model, batch, np.array([score[0], np.nan, score[2]])) == np.inf
    # Two zeros have no rounding: any other score is wrong.
    assert in_parts_of_rounding(model, Batch(torch.zeros(1, 2)), np.array([1e-12])) == np.inf


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
    assert not whole.agrees
    assert {name: len(values) for name, values in scores.items()} == {"a": 5, "b": 4}
