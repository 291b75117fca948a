"""How much scores move under transformations."""

import numpy as np
import pytest

from hepad.metrics.symmetry import change_by_transformation, rms_over_spread

rng = np.random.default_rng(0)


def test_a_score_that_does_not_see_the_transformation():
    assert rms_over_spread(np.tile(rng.normal(size=50), (18, 1))) == 0


def test_a_score_that_sees_nothing_else():
    assert rms_over_spread(np.tile(np.arange(18.0)[:, None], (1, 50))) == pytest.approx(1)


def test_known_shares_of_variance():
    """Variance 1 between entries and 0.25 within them: √(0.25 / 1.25)."""
    scores = rng.normal(size=(1, 40_000)) + 0.5 * rng.normal(size=(40, 40_000))
    assert rms_over_spread(scores) == pytest.approx(np.sqrt(0.25 * 39 / 40 / 1.25), rel=0.01)


def test_units_and_zero_of_the_score_do_not_matter():
    scores = rng.normal(size=(18, 50))
    assert rms_over_spread(1e6 * scores - 1e7) == pytest.approx(rms_over_spread(scores))


def test_alike_scores_have_no_spread_to_compare_with():
    assert rms_over_spread(np.full((18, 50), 0.1)) is None


def test_the_change_of_each_transformation():
    scores = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(change_by_transformation(scores, spread=2.0), [np.sqrt(12.5) / 2, 0])


@pytest.mark.parametrize("scores", [np.zeros(5), np.zeros((0, 5)), np.array([[np.nan]])])
def test_what_is_no_table_is_refused(scores):
    with pytest.raises(ValueError, match="transformations, entries"):
        rms_over_spread(scores)
