"""Kullback–Leibler divergences against those of torch.distributions."""

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from hepad.losses.adversarial import kl_bernoulli, kl_to_unit_normal


def test_kl_to_unit_normal_is_that_of_torch():
    mean, log_variance = torch.randn(200, 5).double() * 3, torch.randn(200, 5).double() * 2
    expected = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_unit_normal(mean, log_variance), expected)


def test_kl_to_unit_normal_is_zero_at_the_prior_and_positive_beside_it():
    zero = torch.zeros(3)
    assert (kl_to_unit_normal(zero, zero) == 0).all()
    near = torch.tensor([-1e-3, 1e-3, 1e-2])
    assert (kl_to_unit_normal(zero, near) > 0).all()
    # ½(e^a − 1 − a) ≈ a²/4, which a naive float32 formula loses at a = 1e-3.
    torch.testing.assert_close(kl_to_unit_normal(zero, near), near.square() / 4, rtol=5e-3, atol=0)


def test_kl_bernoulli_is_that_of_torch():
    found = torch.linspace(0.01, 0.99, 50).double()
    expected = kl_divergence(Bernoulli(torch.tensor(0.05).double()), Bernoulli(found))
    torch.testing.assert_close(kl_bernoulli(0.05, found), expected, rtol=1e-6, atol=1e-9)


def test_kl_bernoulli_is_finite_at_dead_and_saturated_units():
    ends = torch.tensor([0.0, 1.0], requires_grad=True)
    value = kl_bernoulli(0.05, ends)
    assert torch.isfinite(value).all()
    assert kl_bernoulli(0.05, torch.tensor([0.05])).item() == pytest.approx(0, abs=1e-7)
