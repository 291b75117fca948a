"""The elementwise losses: formulas, one value per entry, gradients, extremes."""

import numpy as np
import pytest
import torch
from scipy import special
from sklearn import metrics as sk

from hepad.losses import MAE, MAPE, MSE, Huber, LogCosh, ReconstructionLoss

ALL = [MSE(), MAE(), MAPE(), Huber(), LogCosh()]
rng = np.random.default_rng(3)
X, X_HAT = rng.normal(size=(2, 6, 5)) * 3


def value(loss: ReconstructionLoss, x_hat: np.ndarray, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    return loss(torch.tensor(x_hat), torch.tensor(x), None if mask is None else torch.tensor(mask)).numpy()


@pytest.mark.parametrize(
    ("loss", "independent"),
    [
        (MSE(), lambda x_hat, x: sk.mean_squared_error(x.T, x_hat.T, multioutput="raw_values")),
        (MAE(), lambda x_hat, x: sk.mean_absolute_error(x.T, x_hat.T, multioutput="raw_values")),
        (
            MAPE(epsilon=1e-9),
            lambda x_hat, x: sk.mean_absolute_percentage_error(x.T, x_hat.T, multioutput="raw_values"),
        ),
        (Huber(delta=0.7), lambda x_hat, x: special.huber(0.7, x_hat - x).mean(axis=1)),
        (LogCosh(), lambda x_hat, x: np.log(np.cosh(x_hat - x)).mean(axis=1)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ReconstructionLoss) else "",
)
def test_agrees_with_an_independent_implementation(loss, independent):
    np.testing.assert_allclose(value(loss, X_HAT, X), independent(X_HAT, X), rtol=1e-12)


@pytest.mark.parametrize("loss", ALL, ids=lambda loss: type(loss).__name__)
class TestEveryLoss:
    def test_perfect_reconstruction_scores_zero(self, loss):
        np.testing.assert_allclose(value(loss, X, X), 0, atol=1e-15)

    def test_one_value_per_entry_for_any_entry_shape(self, loss):
        for shape in [(4, 17), (4, 8, 17), (4, 1, 18, 14)]:
            x = torch.randn(shape)
            assert loss(x + 1, x).shape == (4,)

    def test_an_entry_does_not_see_the_others(self, loss):
        together = value(loss, X_HAT, X)
        alone = np.concatenate([value(loss, X_HAT[i : i + 1], X[i : i + 1]) for i in range(len(X))])
        np.testing.assert_allclose(together, alone, rtol=1e-14)

    def test_gradient_is_the_numerical_one(self, loss):
        x = torch.tensor(X)
        x_hat = torch.tensor(X_HAT, requires_grad=True)
        assert torch.autograd.gradcheck(lambda guess: loss(guess, x), x_hat)

    def test_finite_for_empty_constant_and_huge_entries(self, loss):
        for entry in (torch.zeros(2, 5), torch.full((2, 5), 7.0), torch.full((2, 5), 1e15)):
            x_hat = torch.zeros(2, 5, requires_grad=True)
            loss(x_hat, entry).sum().backward()
            assert torch.isfinite(loss(x_hat, entry)).all()
            assert torch.isfinite(x_hat.grad).all()

    @pytest.mark.parametrize("size", [1e18, 1e25, 1e30, 3e38])
    def test_finite_in_float32_however_large_the_numbers(self, loss, size):
        x = torch.randn(64, 1, 40, 40)
        for entry in (torch.full_like(x, size), torch.where(x > 0, size, -size)):
            x_hat = (-entry).requires_grad_()
            found = loss(x_hat, entry)
            found.mean().backward()
            assert torch.isfinite(found).all()
            assert torch.isfinite(found.mean())
            assert (found > 0).all()
            assert torch.isfinite(x_hat.grad).all()

    def test_masked_slots_do_not_count(self, loss):
        x, x_hat = rng.normal(size=(2, 3, 4, 5))
        mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
        found = value(loss, x_hat, x, mask)
        np.testing.assert_allclose(found[0], value(loss, x_hat[:1, :2], x[:1, :2])[0], rtol=1e-12)
        np.testing.assert_allclose(found[1], value(loss, x_hat[1:2, :1], x[1:2, :1])[0], rtol=1e-12)
        assert found[2] == 0


def test_holding_huge_differences_changes_no_bit_of_others():
    x, x_hat = (torch.randn(50, 17) * 10.0 ** torch.arange(-8, 9) for _ in range(2))
    assert torch.equal(MSE().elementwise(x_hat, x), (x_hat - x).square())
    assert torch.equal(MAE().elementwise(x_hat, x), (x_hat - x).abs())
    assert torch.equal(Huber().elementwise(x_hat, x), torch.nn.functional.huber_loss(x_hat, x, reduction="none"))


@pytest.mark.parametrize(("make", "name"), [(lambda: Huber(delta=0), "delta"), (lambda: MAPE(epsilon=0), "epsilon")])
def test_impossible_settings_are_refused(make, name):
    with pytest.raises(ValueError, match=name):
        make()


def test_log_cosh_does_not_overflow():
    # cosh(1000) overflows even in float64; the loss is |d| − ln 2 there.
    assert LogCosh()(torch.tensor([[1000.0]]), torch.zeros(1, 1)).item() == pytest.approx(1000 - np.log(2))
