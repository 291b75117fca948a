"""Weighted sums of losses."""

import pytest
import torch

from hepad.losses import MAE, MSE, NCC, SSIM, ReconstructionLoss, WeightedSum

X, X_HAT = torch.rand(2, 4, 1, 9, 8, generator=torch.Generator().manual_seed(0))


def term(loss, weight):
    return {"loss": loss, "weight": weight}


def test_it_is_the_sum():
    total = WeightedSum({"a": term(MSE(), 2.0), "b": term(NCC(), 0.5), "c": term(MAE(), 0)})
    torch.testing.assert_close(total(X_HAT, X), 2 * MSE()(X_HAT, X) + 0.5 * NCC()(X_HAT, X))


def test_masks_reach_the_terms():
    x, x_hat = X.reshape(4, 9, 8), X_HAT.reshape(4, 9, 8)
    mask = torch.rand(4, 9) > 0.5
    total = WeightedSum({"a": term(MSE(), 1), "b": term(MAE(), 1)})
    torch.testing.assert_close(total(x_hat, x, mask), MSE()(x_hat, x, mask) + MAE()(x_hat, x, mask))


def test_what_its_terms_learn_of_the_background_is_in_its_state():
    total = WeightedSum({"a": term(MSE(), 1.0), "b": term(SSIM(), 1.0)})
    total.fit(X)
    other = WeightedSum({"a": term(MSE(), 1.0), "b": term(SSIM(), 1.0)})
    other.load_state_dict(total.state_dict())
    torch.testing.assert_close(other(X_HAT, X), total(X_HAT, X))


def test_sums_nest():
    inner = WeightedSum({"a": term(MSE(), 3.0)})
    torch.testing.assert_close(WeightedSum({"b": term(inner, 2.0)})(X_HAT, X), 6 * MSE()(X_HAT, X))


def test_gradient_is_the_numerical_one():
    total = WeightedSum({"a": term(MSE(), 2.0), "b": term(NCC(), 0.5)})
    guess = X_HAT[:1].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x_hat: total(x_hat, X[:1].double()), guess)


@pytest.mark.parametrize("weight", [-1.0, float("inf"), float("nan")])
def test_an_impossible_weight_is_named(weight):
    with pytest.raises(ValueError, match=r"terms\.b\.weight"):
        WeightedSum({"a": term(MSE(), 1.0), "b": term(MAE(), weight)})


def test_nothing_to_sum_is_refused():
    with pytest.raises(ValueError, match="positive weight"):
        WeightedSum({"a": term(MSE(), 0.0)})


@pytest.mark.parametrize("size", [1e18, 1e30])
def test_a_sum_of_finite_terms_is_finite(size):
    total = WeightedSum({"a": term(MSE(), 10.0), "b": term(SSIM(), 1.0), "c": term(NCC(), 1.0)})
    total.fit(X)
    guess = (size * X_HAT).requires_grad_()
    found = total(guess, X)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.isfinite(guess.grad).all()


class Unexplained(ReconstructionLoss):
    """A loss of a user, which need not tell where it comes from."""

    def forward(self, x_hat, x, mask=None):
        """Return the largest difference."""
        return (x_hat - x).abs().flatten(1).amax(dim=1)


def test_what_pixels_contribute_has_the_sum_as_its_mean():
    total = WeightedSum({"a": term(MSE(), 2.0), "b": term(SSIM(), 0.5), "c": term(NCC(), 3.0)})
    total.fit(X)
    torch.testing.assert_close(total.elementwise(X_HAT, X).mean((1, 2, 3)), total(X_HAT, X), rtol=1e-5, atol=1e-6)
    assert WeightedSum({"a": term(MSE(), 2.0), "b": term(Unexplained(), 1.0)}).elementwise(X_HAT, X) is None
