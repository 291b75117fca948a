"""Trivial scores fitted to the training entries."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from hepad.data.trivial_scores import IsolationForestScore, MahalanobisDistance, fit_trivial_scores


def correlated(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)) @ np.array([[1.0, 0.9, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 1e4]])


def test_mahalanobis_is_scipy_s():
    x, y = correlated(), correlated(20, seed=1)
    inverse = np.linalg.inv(np.cov(x.T, bias=True))
    expected = [mahalanobis(row, x.mean(axis=0), inverse) ** 2 for row in y]
    np.testing.assert_allclose(MahalanobisDistance(x)(y), expected, rtol=1e-8)


def test_features_that_say_nothing_new_change_nothing():
    x, y = correlated(), correlated(20, seed=1)
    wider = [np.column_stack([a, np.full(len(a), 7.0), a[:, 0] + a[:, 2]]) for a in (x, y)]
    np.testing.assert_allclose(MahalanobisDistance(wider[0])(wider[1]), MahalanobisDistance(x)(y), rtol=1e-6)
    assert (MahalanobisDistance(np.ones((20, 4)))(y[:, :1] * np.ones(4)) == 0).all()


def test_an_isolation_forest_scores_the_outlier_highest_and_always_alike():
    x = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    first, second = (IsolationForestScore(x)(np.vstack([x[:50], np.full((1, 4), 8.0)])) for _ in range(2))
    assert first.argmax() == 50
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ((50, 5), {"mahalanobis", "isolation_forest"}),
        ((50, 8, 5), {"mahalanobis"}),
        ((50, 4, 64, 64), set()),
        ((9, 5), set()),
    ],
)
def test_each_is_fitted_where_it_is_defined(shape, names):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    fitted = fit_trivial_scores(x)
    assert set(fitted) == names
    for score in fitted.values():
        assert score(x.reshape(len(x), -1)).shape == (len(x),)
