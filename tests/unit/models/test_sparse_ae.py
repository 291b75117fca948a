"""The sparse autoencoder: its penalties are their formulas, and they work."""

import pytest
import torch
from torch.distributions import Bernoulli, kl_divergence

from hepad.core.batch import Batch
from hepad.models import SparseAutoencoder

MSE = {"_target_": "hepad.losses.MSE"}


def build(shape=(17,), **settings) -> SparseAutoencoder:
    torch.manual_seed(0)
    model = SparseAutoencoder(shape, MSE, **settings)
    model.prepare(Batch(torch.randn(500, *shape)))
    model.log = lambda *_, **__: None
    return model


def test_the_code_may_be_wider_than_the_input():
    model = build(latent=64)
    assert model.code(torch.randn(5, 17)).shape == (5, 64)
    assert model.anomaly_score(Batch(torch.randn(5, 17))).shape == (5,)


def test_l1_is_the_mean_norm_of_the_code():
    model = build(sparsity="l1")
    code = model.code(torch.randn(40, 17))
    assert (code >= 0).all()
    torch.testing.assert_close(model.penalty(code), torch.linalg.vector_norm(code, ord=1, dim=1).mean())


def test_kl_is_that_of_the_mean_activations():
    model = build(sparsity="kl", rate=0.1)
    code = model.code(torch.randn(40, 17))
    expected = kl_divergence(Bernoulli(torch.tensor(0.1)), Bernoulli(code.mean(dim=0))).sum()
    torch.testing.assert_close(model.penalty(code), expected)


@pytest.mark.parametrize("sparsity", ["l1", "kl"])
def test_codes_of_empty_slots_do_not_count(sparsity):
    model, mask = build((8, 17), sparsity=sparsity), torch.rand(30, 8) < 0.5
    code = model.code(torch.randn(30, 8, 17))
    torch.testing.assert_close(model.penalty(code, mask), model.penalty(code[mask]))
    assert torch.isfinite(model.penalty(code, torch.zeros(30, 8, dtype=torch.bool)))


def test_the_objective_is_the_sum_of_its_parts():
    model, x = build(sparsity_weight=0.3, l2=0.07, hidden=[5]), torch.randn(40, 17)
    z = model.normalizer(x)
    code = model.code(z)
    weights = sum(weight.square().sum() for name, weight in model.network.named_parameters() if "weight" in name)
    expected = (model.network.decode(code) - z).square().mean() + 0.3 * model.penalty(code) + 0.07 * weights
    torch.testing.assert_close(model.training_step(Batch(x), 0), expected)


@pytest.mark.parametrize(("sparsity", "weight"), [("l1", 0.03), ("kl", 0.1)])
def test_the_penalty_makes_the_code_sparse(sparsity, weight):
    def mean_activation(sparsity_weight: float) -> float:
        model = build(sparsity=sparsity, sparsity_weight=sparsity_weight)
        x = torch.randn(1000, 3) @ torch.randn(3, 17)
        model.prepare(Batch(x))
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(150):
            optimizer.zero_grad()
            model.training_step(Batch(x), 0).backward()
            optimizer.step()
        with torch.no_grad():
            return float(model.code(model.normalizer(x)).mean())

    assert mean_activation(weight) < 0.5 * mean_activation(0.0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"sparsity": "l2"}, "l1, kl"), ({"rate": 1.0}, "rate"), ({"sparsity_weight": -1.0}, "positive")],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(ValueError, match=said):
        build(**settings)
