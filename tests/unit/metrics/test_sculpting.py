"""Sculpting: the divergence against SciPy's, its floor, weights, holes and cuts that leave too little."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from hepad.metrics import ScoredSample, evaluate, jensen_shannon, score_sculpting


def test_the_divergence_is_scipys():
    rng = np.random.default_rng(0)
    p, q = rng.poisson(20, (2, 30))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, rel=1e-9)
    with pytest.raises(ValueError, match="without entries"):
        jensen_shannon(np.zeros(3), [1, 2, 3])


def test_cuts_take_the_share_they_say():
    rng = np.random.default_rng(1)
    score, mass = rng.normal(size=(2, 4000))
    found = score_sculpting(score, mass)
    assert {cut: passing.sum() for cut, passing in found.passing.items()} == {0.5: 2000, 0.1: 400, 0.01: 40}
    for passing in found.passing.values():
        assert score[passing].min() > score[~passing].max()


def test_only_a_score_that_follows_is_above_the_floor():
    rng = np.random.default_rng(2)
    score, mass = rng.normal(size=(2, 20000))
    blind, following = score_sculpting(score, mass), score_sculpting(score + 0.5 * mass, mass)
    assert all(blind.divergence[cut] < 1.3 * blind.floor[cut][1] for cut in blind.divergence)
    assert all(following.divergence[cut] > 3 * following.floor[cut][1] for cut in (0.5, 0.1, 0.01))


def test_the_order_of_values_alone_counts():
    rng = np.random.default_rng(3)
    score, mass = rng.exponential(size=(2, 3000))
    assert score_sculpting(score, mass).divergence == score_sculpting(np.log(score), mass**3).divergence


def test_a_weight_of_two_is_two_entries():
    rng = np.random.default_rng(4)
    score, mass = np.sort(rng.normal(size=2000)), rng.normal(size=2000)
    twice = rng.random(2000) < 0.4
    weighted = score_sculpting(score, mass, np.where(twice, 2.0, 1.0), [0.5])
    order = np.repeat(np.arange(2000), np.where(twice, 2, 1))
    repeated = score_sculpting(score[order], mass[order], None, [0.5])
    # The edges of the bins are those of other entries.
    assert weighted.divergence[0.5] == pytest.approx(repeated.divergence[0.5], abs=3e-3)


def test_holes_are_left_out():
    rng = np.random.default_rng(5)
    score, mass = rng.normal(size=(2, 1000))
    holed = np.append(mass, [np.nan, np.inf, np.nan])
    found = score_sculpting(np.append(score, [50, 50, 50]), holed)
    assert found.divergence == score_sculpting(score, mass).divergence
    assert not any(passing[-3:].any() for passing in found.passing.values())


def test_too_few_entries_have_no_row():
    assert score_sculpting(np.arange(15.0), np.arange(15.0)).divergence == {}
    assert list(score_sculpting(np.arange(30.0), np.arange(30.0)).divergence) == [0.5]


def test_evaluation_names_what_is_not_there():
    values = np.random.default_rng(0).normal(size=(2, 400))
    samples = {"qcd": ScoredSample("qcd", values[0], {"mass": values[1]})}
    found = evaluate(samples, "qcd", ["qcd"], sculpted=["mass", "m_jj"])
    assert {"test/jsd_at_fpr_5e-1/mass", "test/jsd_at_fpr_1e-1/mass/floor"} <= found.metrics.keys()
    assert "sculpting: qcd has no observable m_jj; it has: mass." in found.warnings
