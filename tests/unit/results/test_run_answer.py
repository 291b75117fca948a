"""The answer of a report says what the numbers say: better, not better, by how much, and how surely."""

import numpy as np
import pytest

from hepad.metrics import Evaluation, ScoredSample, evaluate
from hepad.results.answer import run_answer

BETTER, WORSE = "significantly better", "significantly worse"


def found(model: tuple[float, ...], trivial: tuple[float, ...], n: int = 3000) -> Evaluation:
    """Signals s0, s1, …, as far from the background as told, for the model and for Σ pT."""
    rng = np.random.default_rng(3)
    shifts = [("b", 0.0, 0.0), *((f"s{i}", *pair) for i, pair in enumerate(zip(model, trivial, strict=True)))]
    samples = {
        name: ScoredSample(name, rng.normal(of_model, 1, n), baselines={"sum_pt": rng.normal(of_trivial, 1, n)})
        for name, of_model, of_trivial in shifts
    }
    return evaluate(samples, "b", ["b"])


@pytest.mark.parametrize(
    ("model", "trivial", "headline", "tone", "words"),
    [
        ((2, 2), (1, 1), "on all 2 signals, significantly", "better", [BETTER] * 2),
        ((2, 1), (1, 2), "on 1 of 2 signals, significantly", "mixed", [BETTER, WORSE]),
        (
            (1, 1),
            (2, 2),
            "Not better than the best trivial score on any of 2 signals",
            "worse",
            [WORSE] * 2,
        ),
        ((1.0,), (2.0,), "Not better than the best trivial score on the one signal", "worse", [WORSE]),
        ((2.0,), (1.0,), "on the one signal, significantly", "better", [BETTER]),
    ],
)
def test_the_headline_is_that_of_the_numbers(model, trivial, headline, tone, words):
    evaluation = found(model, trivial)
    answer = run_answer(evaluation)
    assert answer is not None
    assert answer.headline.endswith(headline)
    assert answer.tone == tone
    assert answer.table is not None
    assert [row[-1] for row in answer.table.rows] == words
    for i, row in enumerate(answer.table.rows):
        difference = evaluation.metrics[f"test/over_trivial/{row[0]}_vs_b"]
        assert row[3].value == pytest.approx(difference)
        assert ((i, 1) in answer.table.winners) == (difference > 0)
        assert ((i, 2) in answer.table.winners) == (difference < 0)


def test_an_advantage_by_chance_is_not_called_significant():
    # Ten entries cannot tell the two apart.
    answer = run_answer(found((1.5,), (1.0,), n=10))
    assert answer is not None
    assert answer.headline.endswith("the one signal, but not significantly")
    assert answer.table is not None
    assert answer.table.rows[0][-1] == "better, not significantly"


def test_by_how_much_is_the_mean_of_the_differences():
    evaluation = found((2, 1), (1, 2))
    answer = run_answer(evaluation)
    assert answer is not None
    values = [evaluation.metrics[f"test/over_trivial/s{i}_vs_b"] for i in (0, 1)]
    for value in (np.mean(values), min(values), max(values)):
        assert f"{value:+.4f}".replace("-", "−") in answer.sentences[1]


def test_without_a_trivial_score_there_is_no_answer():
    rng = np.random.default_rng(0)
    samples = {name: ScoredSample(name, rng.normal(size=100)) for name in ("a", "b")}
    assert run_answer(evaluate(samples, "b", ["b"])) is None
