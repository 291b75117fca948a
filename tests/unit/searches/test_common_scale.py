"""The common scale of folds: a cut on it is the cut at the template's quantile in each fold."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from hepad.searches.common_scale import FoldScores, background_shares

RNG = np.random.default_rng(0)
REFERENCES = {fold: RNG.normal(fold, 1 + fold, 1000) for fold in range(3)}
FOLD = np.arange(3000) % 3
SCORES = FoldScores(np.arange(3000), FOLD, np.array([RNG.normal(fold, 1 + fold) for fold in FOLD]))


@pytest.mark.parametrize("efficiency", [0.5, 0.1, 0.01])
def test_a_cut_keeps_what_lies_beyond_the_quantile_of_its_own_fold(efficiency):
    share = background_shares(SCORES, REFERENCES)
    for fold, reference in REFERENCES.items():
        here = SCORES.fold == fold
        # Of the background a cut keeps k = ε n entries: it lies behind the one after these.
        threshold = np.sort(reference)[-round(efficiency * len(reference)) - 1]
        np.testing.assert_array_equal(share[here] <= efficiency, SCORES.score[here] > threshold)
        own = background_shares(FoldScores(np.arange(1000), np.full(1000, fold), reference), REFERENCES)
        assert (own <= efficiency).sum() == round(efficiency * 1000)


def test_higher_scores_of_a_fold_have_smaller_shares_also_beyond_all_of_the_background():
    score = np.linspace(-10, 60, 400)
    share = background_shares(FoldScores(np.arange(400), np.full(400, 1), score), REFERENCES)
    assert (np.diff(share) <= 0).all()
    beyond = share[score > REFERENCES[1].max()]
    assert (beyond < 1 / 1000).all()
    assert spearmanr(beyond, np.arange(len(beyond))).statistic == pytest.approx(-1)
    assert ((share > 0) & (share <= 1)).all()


def test_scores_of_different_size_in_each_fold_are_one_spectrum_of_shares():
    share = background_shares(SCORES, REFERENCES)
    for fold in range(3):
        assert abs(np.mean(share[fold == FOLD]) - 0.5) < 0.04


def test_a_fold_without_background_is_an_error():
    with pytest.raises(ValueError, match="fold 0 has no reference"):
        background_shares(SCORES, {**REFERENCES, 0: np.zeros(0)})
