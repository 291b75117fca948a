"""Normalised cross-correlation: the formula, invariances, and images for which the formula is undefined."""

import numpy as np
import pytest
import torch
from torch import nn

from hepad.losses import NCC
from hepad.nn import InputNormalizer

rng = np.random.default_rng(5)
X, X_HAT = (torch.tensor(rng.normal(size=(6, 2, 9, 7)) * 3) for _ in range(2))
EMPTY = torch.zeros(1, 2, 9, 7)
IMAGE = torch.tensor(rng.exponential(size=(1, 2, 9, 7)), dtype=torch.float32)


def test_agrees_with_numpys_correlation():
    expected = [1 - np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in zip(X_HAT, X, strict=True)]
    np.testing.assert_allclose(NCC(floor=1e-9)(X_HAT, X), expected, rtol=1e-10)
    # The default floor is far below the spread of such images.
    np.testing.assert_allclose(NCC()(X_HAT, X), expected, rtol=1e-10)


def test_scale_and_offset_of_an_image_do_not_matter():
    loss = NCC()
    torch.testing.assert_close(loss(7 * X_HAT + 100, X), loss(X_HAT, X), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(loss(-X, X), torch.full((6,), 2.0, dtype=torch.float64), rtol=1e-5, atol=1e-5)


def test_alike_images_have_loss_0_exactly():
    assert (NCC()(X, X) == 0).all()


@pytest.mark.parametrize("level", [0.0, -0.54, 1000.1, 1e15])
def test_two_constant_images_are_alike_and_one_is_unlike_any_other(level):
    constant = torch.full_like(EMPTY, level)
    assert NCC()(constant, EMPTY).item() == 0
    assert NCC()(constant, IMAGE).item() == pytest.approx(1, abs=1e-6)
    assert NCC()(IMAGE, constant).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kind", ["standard", "robust", "log", "layer", "none"])
def test_an_empty_image_is_unlike_one_of_a_single_count_under_every_normaliser(kind):
    rng = np.random.default_rng(1)
    background = torch.tensor(rng.poisson(0.5, size=(500, 1, 18, 14)) * rng.integers(1, 8, (500, 1, 18, 14))).float()
    empty = torch.zeros(1, 1, 18, 14)
    one_count = empty.clone()
    one_count[0, 0, 4, 5] = 1.0
    normalizer = InputNormalizer(kind, (1, 18, 14)).fit(background)
    loss = NCC()
    loss.fit(normalizer(background))
    assert loss(normalizer(one_count), normalizer(empty)).item() == pytest.approx(1, abs=1e-4)
    assert loss(normalizer(empty), normalizer(one_count)).item() == pytest.approx(1, abs=1e-4)
    guess = normalizer(empty).requires_grad_()
    loss(guess, normalizer(one_count)).sum().backward()
    assert torch.isfinite(guess.grad).all()


def test_what_counts_as_constant_goes_by_the_spread_of_the_background():
    small = 1e-4 * IMAGE
    assert NCC()(small, EMPTY) < 0.1
    loss = NCC()
    loss.fit(1e-4 * torch.tensor(rng.normal(size=(50, 2, 9, 7))))
    assert loss(small, EMPTY).item() == pytest.approx(1, abs=1e-6)
    loss.fit(EMPTY)
    assert loss.spread == 1


def test_from_constant_to_structured_there_is_no_jump():
    steps = torch.logspace(-6, 0, 600)
    values = torch.cat([NCC()(step * IMAGE, EMPTY) for step in steps])
    assert values[0] < 1e-6
    assert values[-1] > 1 - 1e-6
    assert (values.diff() >= -1e-6).all()
    assert values.diff().max() < 0.1


def test_the_gradient_across_the_threshold_is_the_numerical_one():
    for spread in (3e-4, 1e-3, 3e-3):
        guess = (spread * X_HAT[:2] / 3).requires_grad_()
        assert torch.autograd.gradcheck(lambda x_hat: NCC()(x_hat, X[:2]), guess, eps=1e-8, atol=1e-3)


@pytest.mark.parametrize("level", [0.0, -0.5, 30.0])
def test_a_constant_reconstruction_is_pulled_towards_the_shape_of_the_image(level):
    guess = torch.full_like(IMAGE, level).requires_grad_()
    NCC()(guess, IMAGE).sum().backward()
    shape = IMAGE - IMAGE.mean()
    cosine = torch.nn.functional.cosine_similarity(-guess.grad.flatten(), shape.flatten(), dim=0)
    assert cosine.item() == pytest.approx(1, abs=1e-5)
    # Beside a constant image it is where it should be.
    guess.grad = None
    NCC()(guess, EMPTY).sum().backward()
    assert (guess.grad == 0).all()


def test_a_decoder_that_collapsed_to_a_constant_output_leaves_it():
    torch.manual_seed(0)
    images = torch.rand(64, 1, 9, 7) ** 8
    code = nn.Sequential(nn.Flatten(), nn.Linear(63, 16), nn.Tanh())
    last = nn.Linear(16, 63)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    network = nn.Sequential(code, last, nn.Unflatten(1, (1, 9, 7)))
    loss = NCC()
    loss.fit(images)
    assert network(images).std() == 0
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(200):
        optimizer.zero_grad()
        loss(network(images), images).mean().backward()
        optimizer.step()
    assert loss(network(images), images).mean() < 0.3


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e15, 1e37])
def test_finite_with_finite_gradients_for_any_magnitude(scale):
    for target in (EMPTY, scale * IMAGE):
        guess = (scale * IMAGE.flip(2)).requires_grad_()
        value = NCC()(guess, target)
        value.sum().backward()
        assert torch.isfinite(value).all()
        assert torch.isfinite(guess.grad).all()


def test_gradient_is_the_numerical_one():
    guess = X_HAT[:2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x_hat: NCC()(x_hat, X[:2]), guess)


def test_an_entry_does_not_see_the_others():
    alone = torch.cat([NCC()(X_HAT[i : i + 1], X[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(NCC()(X_HAT, X), alone)


def test_what_pixels_contribute_has_the_loss_as_its_mean():
    loss = NCC()
    for x_hat, x in ((X_HAT, X), (torch.zeros_like(X), X), (X, X)):
        found = loss.elementwise(x_hat, x)
        assert found.shape == x.shape
        torch.testing.assert_close(found.mean((1, 2, 3)), loss(x_hat, x))


@pytest.mark.parametrize("floor", [0.0, -1.0, float("nan")])
def test_an_impossible_floor_is_refused(floor):
    with pytest.raises(ValueError, match="floor"):
        NCC(floor=floor)
