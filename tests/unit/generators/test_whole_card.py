"""The card: the same whatever files its entries came from, notes where entries are too few, and the verdict."""

import numpy as np
import pytest
from tests.unit.generators.made_up_entries import entries

from hepad.generators import (
    CardSettings,
    Population,
    generator_card,
    generator_metrics,
    generator_verdict,
    ranked,
    vector_population,
)
from hepad.generators.amplification import amplification, quantile_cells, quantile_error

TREES = CardSettings(classifiers=("trees",))


@pytest.fixture(scope="module")
def shifted():
    return generator_card(entries(600, 1), entries(600, 2, 0.7), entries(600, 3), entries(900, 4), TREES)


def joined(one, other):
    return vector_population(np.concatenate([one.features, other.features]), one.feature_names)


def test_nothing_differs_between_one_sample_of_2n_and_two_of_n(shifted):
    made = entries(600, 2, 0.7)
    halves = made.rows(np.arange(300)), made.rows(np.arange(300, 600))
    again = generator_card(entries(600, 1), joined(*halves), entries(600, 3), entries(900, 4), TREES)
    assert generator_metrics(again) == generator_metrics(shifted)


def test_a_generator_that_is_right_passes_and_a_shifted_one_is_told_what_is_wrong(shifted):
    right = generator_card(entries(600, 1), entries(600, 2), entries(600, 3), entries(900, 4), TREES)
    assert generator_verdict(right).differing == ()
    assert "None of 4 observables differs" in generator_verdict(right).sentences[0]
    verdict = generator_verdict(shifted)
    assert verdict.differing == ("gauss",)
    assert "1 of 4 observables differ" in verdict.sentences[0]
    assert any("Boosted trees tell them from real ones" in sentence for sentence in verdict.sentences)
    metrics = generator_metrics(shifted)
    assert ranked({"shifted": metrics, "right": generator_metrics(right)}) == ["right", "shifted"]


def test_every_number_stands_beside_its_floor(shifted):
    metrics = generator_metrics(shifted)
    made = {name.removeprefix("generator/") for name in metrics if name.startswith("generator/")}
    floor = {name.removeprefix("generator_floor/") for name in metrics if name.startswith("generator_floor/")}
    assert made == floor
    assert metrics["generator_floor/differing"] == 0
    assert {"auc/trees", "jsd/trees", "fpd", "kpd", "coverage", "memorisation/auc", "w1/tail"} <= made
    assert all(np.isfinite(value) for value in metrics.values())


def test_numbers_that_need_more_entries_are_not_given_and_the_card_says_why():
    card = generator_card(entries(150, 1), entries(150, 2), entries(150, 3), entries(150, 4))
    metrics = generator_metrics(card)
    assert "generator/p_value/gauss" in metrics
    assert not any(name.startswith(("generator/auc", "generator/fpd", "generator/coverage")) for name in metrics)
    for what in ("the Fréchet distance needs 400", "the kernel distance needs 200", "the classifier test needs 500"):
        assert [what in note for note in card.notes].count(True) == 1, card.notes
    few = generator_card(entries(20, 1), entries(20, 2), entries(20, 3))
    assert generator_verdict(few).compared == 0
    assert any("distributions need 100 entries" in note for note in few.notes)


def test_more_entries_of_one_side_are_left_out_and_said_to_be():
    card = generator_card(entries(300, 1), entries(500, 2), entries(300, 3), settings=TREES)
    assert card.n == 300
    assert any("the first 300 of each are compared" in note for note in card.notes)


def test_weights_are_used():
    real, made, floor = (entries(1500, seed, weighted=True) for seed in (1, 2, 3))
    settings = CardSettings(classifiers=())
    assert not generator_verdict(generator_card(real, made, floor, settings=settings)).differing
    forgotten = Population(made.features, made.feature_names, made.observables)
    assert "gauss" in generator_verdict(generator_card(real, forgotten, floor, settings=settings)).differing


def test_samples_of_different_features_are_refused():
    one = Population(np.ones((5, 1)), ["a"], {})
    other = Population(np.ones((5, 1)), ["b"], {})
    with pytest.raises(ValueError, match="generated entries have other features"):
        generator_card(one, other, one)


def test_the_quantile_error_of_a_sample_is_what_counts_make_of_it():
    truth = np.random.default_rng(0).normal(size=(200_000, 2))
    edges = quantile_cells(truth, [5, 2])
    found = [quantile_error(np.random.default_rng(seed).normal(size=(400, 2)), edges) for seed in range(1, 200)]
    assert np.mean(found) == pytest.approx((1 - 1 / 10) / 400, rel=0.1)
    assert amplification(0.9 / 400, 0.9 / 1600) == pytest.approx(4)
