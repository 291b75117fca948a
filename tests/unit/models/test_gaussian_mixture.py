"""The mixture is scikit-learn's, in raw units, and one component is Mahalanobis' distance."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.mixture import GaussianMixture as Estimator

from hepad.core.batch import Batch
from hepad.models import GaussianMixture
from hepad.nn import NormalMixture


@pytest.fixture(scope="module")
def entries():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(900, 2, generator=generator, dtype=torch.float64)
    x[:300] = 0.3 * x[:300] + 3
    return Batch(torch.stack([50 + 20 * x[:, 0], 0.1 * x[:, 1] + 0.05 * x[:, 0]], 1))


def fitted(batch, components):
    model = GaussianMixture((batch.x.shape[1],), components).double()
    model.prepare(batch)
    return model


def test_the_density_is_that_of_scikit_learn_with_the_jacobian_of_the_columns(entries):
    model = fitted(entries, 3)
    z = model.normalizer(entries.x).numpy()
    expected = Estimator(3, random_state=0).fit(z).score_samples(z) - float(model.normalizer.scale.log().sum())
    np.testing.assert_allclose(model.log_prob(entries), expected, rtol=1e-10, atol=1e-10)
    assert torch.equal(model.anomaly_score(entries), -model.log_prob(entries))


def test_the_density_integrates_to_one(entries):
    model = fitted(entries, 3)
    center, spread = entries.x.mean(0), entries.x.std(0)
    steps = torch.linspace(-8, 8, 400).double()
    found = model.log_prob(Batch(center + spread * torch.cartesian_prod(steps, steps))).exp().sum()
    assert float(found * spread.prod() * (steps[1] - steps[0]) ** 2) == pytest.approx(1, abs=1e-3)


def test_one_component_orders_entries_as_mahalanobis_does(entries):
    scores = fitted(entries, 1).anomaly_score(entries)
    away = entries.x - entries.x.mean(0)
    squares = (away @ torch.linalg.inv(torch.cov(entries.x.T)) * away).sum(1)
    assert spearmanr(scores, squares).statistic == pytest.approx(1, abs=1e-6)


def test_sampling_then_scoring_gives_the_entropy():
    model = GaussianMixture((2,), 1).double()
    covariance = torch.tensor([[[2.0, 0.5], [0.5, 1.0]]]).double()
    model.mixture.set(torch.ones(1), torch.zeros(1, 2), covariance)
    made = model.sample(20_000, torch.Generator().manual_seed(0))
    entropy = 1 + math.log(2 * math.pi) + 0.5 * float(torch.logdet(covariance[0]))
    assert float(model.anomaly_score(made).mean()) == pytest.approx(entropy, abs=0.03)
    np.testing.assert_allclose(torch.cov(made.x.T), covariance[0], atol=0.08)


def test_a_mixture_is_the_sum_of_its_parts():
    mixture = NormalMixture(2, 1)
    mixture.set(torch.tensor([0.3, 0.7]), torch.tensor([[0.0], [2.0]]), torch.tensor([[[1.0]], [[0.25]]]).double())
    normal = torch.distributions.Normal
    expected = (
        0.3 * normal(0.0, 1.0).log_prob(torch.tensor(1.0)).exp()
        + 0.7 * normal(2.0, 0.5).log_prob(torch.tensor(1.0)).exp()
    )
    assert float(mixture(torch.ones(1, 1)).exp()) == pytest.approx(float(expected), rel=1e-6)


def test_entries_count_by_weight(entries):
    weight = (torch.arange(900) < 300).double()
    found = fitted(entries._replace(weight=weight), 1)
    expected = entries.x[:300].mean(0)
    torch.testing.assert_close(found.normalizer.inverse(found.mixture.mean)[0], expected, rtol=1e-6, atol=1e-6)


def test_what_cannot_be_fitted_is_refused(entries):
    with pytest.raises(ValueError, match="at least 1"):
        GaussianMixture((2,), 0)
    with pytest.raises(ValueError, match=r"3 training entries are fewer than model\.components=5"):
        fitted(Batch(entries.x[:3]), 5)
