"""SSIM: an independent formula, another library, the ring in φ, empty images, refusals."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

from hepad.core.errors import UserError
from hepad.losses import SSIM
from hepad.losses.ssim import _mirrored

rng = np.random.default_rng(6)
X, X_HAT = (torch.tensor(rng.exponential(size=(5, 2, 18, 14)) * 3, dtype=torch.float64) for _ in range(2))
EMPTY = torch.zeros(1, 1, 18, 14)
FULL = torch.tensor(rng.uniform(size=(1, 1, 18, 14)), dtype=torch.float32)


def fitted(x: torch.Tensor, **settings: object) -> SSIM:
    loss = SSIM(**settings)
    loss.fit(x)
    return loss.to(x.dtype)


def by_hand(a: np.ndarray, b: np.ndarray, data_range: float, window: int, sigma: float, circular: bool) -> float:
    """SSIM of two images (H, W), pixel by pixel, from the definition."""
    reach = window // 2
    steps = np.arange(-reach, reach + 1)
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    vertical = "wrap" if circular else "reflect"
    a, b = (np.pad(np.pad(x, ((0, 0), (reach, reach)), "reflect"), ((reach, reach), (0, 0)), vertical) for x in (a, b))
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for i in range(a.shape[0] - 2 * reach):
        for j in range(a.shape[1] - 2 * reach):
            p, q = a[i : i + window, j : j + window], b[i : i + window, j : j + window]
            mean_p, mean_q = (weights * p).sum(), (weights * q).sum()
            var_p, var_q = (weights * (p - mean_p) ** 2).sum(), (weights * (q - mean_q) ** 2).sum()
            cov = (weights * (p - mean_p) * (q - mean_q)).sum()
            luminance = (2 * mean_p * mean_q + c1) / (mean_p**2 + mean_q**2 + c1)
            values.append(luminance * (2 * cov + c2) / (var_p + var_q + c2))
    return float(np.mean(values))


@pytest.mark.parametrize(("window", "sigma", "circular"), [(7, 1.5, True), (5, 1.0, False), (3, 2.0, True)])
def test_agrees_with_the_definition_written_out(window, sigma, circular):
    loss = fitted(X, window=window, sigma=sigma, circular=circular)
    low, data_range = X.min().item(), (X.max() - X.min()).item()
    for i in range(2):
        expected = np.mean(
            [
                by_hand((X_HAT[i, c] - low).numpy(), (X[i, c] - low).numpy(), data_range, window, sigma, circular)
                for c in range(2)
            ]
        )
        found = loss(X_HAT[i : i + 1], X[i : i + 1]).item()
        assert found == pytest.approx(1 - expected, rel=1e-5)


def test_a_loss_without_a_data_range_is_no_number():
    images = torch.rand(3, 1, 18, 14)
    assert SSIM()(images.flip(2), images).isnan().all()
    assert SSIM(data_range=1.0)(images.flip(2), images).isfinite().all()


def test_agrees_with_torchmetrics_away_from_borders():
    """Images that are empty near their borders look the same to both, whatever they do there."""
    a, b = torch.zeros(2, 1, 1, 30, 30, dtype=torch.float64)
    a[..., 10:20, 10:20], b[..., 10:20, 10:20] = X[0, 0, :10, :10], X_HAT[0, 0, :10, :10]
    data_range = (b.max() - b.min()).item()
    # torchmetrics takes the width of a Gaussian window from its sigma: 7 pixels for 0.9.
    _, whole = structural_similarity_index_measure(a, b, sigma=0.9, data_range=data_range, return_full_image=True)
    assert fitted(b, sigma=0.9)(a, b).item() == pytest.approx(1 - whole.mean().item(), rel=1e-5)


def test_scale_and_zero_of_the_normaliser_do_not_matter():
    raw = fitted(X)(X_HAT, X)
    other = fitted((X - 1.7) / 2.3)((X_HAT - 1.7) / 2.3, (X - 1.7) / 2.3)
    torch.testing.assert_close(other, raw)


def test_rotating_both_images_in_phi_changes_nothing():
    loss = fitted(X)
    for shift in (1, 5, 17):
        torch.testing.assert_close(loss(X_HAT.roll(shift, 2), X.roll(shift, 2)), loss(X_HAT, X))
    cut = fitted(X, circular=False)
    assert (cut(X_HAT.roll(5, 2), X.roll(5, 2)) - cut(X_HAT, X)).abs().max() > 1e-4


def test_alike_images_have_loss_0():
    torch.testing.assert_close(fitted(X)(X, X), torch.zeros(5, dtype=torch.float64), atol=1e-12, rtol=0)


@pytest.mark.parametrize("image", [FULL, torch.zeros(1, 1, 18, 14).index_fill(2, torch.tensor([3]), 1.0)])
def test_two_empty_images_are_alike_and_one_is_unlike_any_other(image):
    loss = fitted(torch.cat([EMPTY, image]))
    assert loss(EMPTY, EMPTY).item() == 0
    assert loss(EMPTY, image).item() == pytest.approx(1, abs=1e-6)
    assert loss(image, EMPTY).item() == pytest.approx(1, abs=1e-6)


def test_constant_images_are_compared_by_their_level():
    loss = fitted(torch.cat([EMPTY, FULL]))
    low, high = torch.full_like(EMPTY, 0.2), torch.full_like(EMPTY, 0.9)
    assert loss(high, high).item() == pytest.approx(0, abs=1e-6)
    assert 0 < loss(low, high).item() < 1


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15, 1e37])
def test_finite_with_finite_gradients_for_any_magnitude(scale):
    loss = fitted(torch.cat([EMPTY, FULL]))
    for target in (EMPTY, torch.full_like(EMPTY, scale), scale * FULL):
        guess = (scale * FULL.flip(2)).requires_grad_()
        value = loss(guess, target)
        value.sum().backward()
        assert torch.isfinite(value).all()
        assert torch.isfinite(guess.grad).all()
        assert ((value >= 0) & (value <= 2)).all()


def test_gradient_is_the_numerical_one():
    loss = fitted(X, window=3)
    guess = X_HAT[:1, :, :4, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x_hat: loss(x_hat, X[:1, :, :4, :4]), guess)


def test_an_entry_does_not_see_the_others():
    loss = fitted(X)
    alone = torch.cat([loss(X_HAT[i : i + 1], X[i : i + 1]) for i in range(5)])
    torch.testing.assert_close(loss(X_HAT, X), alone)


def test_the_range_lives_in_the_state():
    loss = fitted(X.float())
    other = SSIM()
    other.load_state_dict(loss.state_dict())
    torch.testing.assert_close(other(X_HAT.float(), X.float()), loss(X_HAT.float(), X.float()))


@pytest.mark.parametrize(
    "settings", [{"window": 9}, {"window": 4}, {"window": 1}, {"sigma": 0.0}, {"data_range": 0.0}, {"data_range": -1.0}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SSIM(**settings)


def test_an_image_smaller_than_the_window_is_refused_with_one_that_fits():
    with pytest.raises(UserError, match=r"6 × 14 .* window of 7; model\.loss\.window=5 fits"):
        SSIM().fit(torch.rand(3, 1, 6, 14))
    with pytest.raises(UserError, match="at least 3 × 3"):
        SSIM().fit(torch.rand(3, 1, 2, 14))


def test_images_without_a_range_are_refused():
    with pytest.raises(UserError, match="data range is 0"):
        SSIM().fit(torch.full((3, 1, 18, 14), 4.0))


@pytest.mark.parametrize("circular", [True, False])
def test_the_windows_losses_have_the_loss_as_their_mean(circular):
    loss = fitted(X, circular=circular)
    found = loss.elementwise(X_HAT, X)
    assert found.shape == X.shape
    torch.testing.assert_close(found.mean((1, 2, 3)), loss(X_HAT, X), rtol=1e-5, atol=1e-6)
    empty = fitted(FULL, circular=circular)
    torch.testing.assert_close(empty.elementwise(EMPTY, FULL).mean((1, 2, 3)), empty(EMPTY, FULL))


def test_a_window_sees_what_is_near():
    x_hat = FULL.clone()
    x_hat[0, 0, 0, 7] += 0.5
    changed = fitted(FULL, window=3).elementwise(x_hat, FULL)[0, 0] > 1e-5
    assert changed.nonzero().tolist() == [[i, j] for i in (0, 1, 17) for j in (6, 7, 8)]


@pytest.mark.parametrize(("axis", "padding"), [(3, (3, 3, 0, 0)), (2, (0, 0, 3, 3))])
def test_the_mirror_at_a_border_is_that_of_reflection_padding_with_its_gradient(axis, padding):
    x = X.clone().requires_grad_()
    weight = torch.randn(F.pad(X, padding).shape, dtype=X.dtype, generator=torch.Generator().manual_seed(0))
    mirrored, reflected = _mirrored(x, 3, axis), F.pad(x, padding, mode="reflect")
    assert torch.equal(mirrored, reflected)
    found, expected = (torch.autograd.grad((y * weight).sum(), x)[0] for y in (mirrored, reflected))
    torch.testing.assert_close(found, expected)
