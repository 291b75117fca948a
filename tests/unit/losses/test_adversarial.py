"""Adversarial losses: their formulas, where they pull, and the R1 penalty."""

import math

import pytest
import torch
from torch.nn import functional as F

from hepad.losses import Hinge, NonSaturating
from hepad.losses.adversarial import r1_penalty


def test_the_hinge_stops_at_the_margin():
    loss = Hinge()
    real, generated = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0])
    assert loss.discriminator_loss(real, generated).item() == pytest.approx(0.25 + 0.5)
    assert loss.generator_loss(generated).item() == pytest.approx(1.5)


def test_non_saturating_is_the_cross_entropy_of_both_kinds():
    loss = NonSaturating(label_smoothing=0.0, label_jitter=0.0)
    real, generated = torch.randn(50), torch.randn(50)
    wanted = -(torch.sigmoid(real).log().mean() + (1 - torch.sigmoid(generated)).log().mean())
    torch.testing.assert_close(loss.discriminator_loss(real, generated), wanted)
    torch.testing.assert_close(loss.generator_loss(generated), -torch.sigmoid(generated).log().mean())


def test_the_generator_is_pulled_hardest_where_it_is_seen_through():
    logits = torch.tensor([-20.0, 0.0, 20.0], requires_grad=True)
    NonSaturating().generator_loss(logits).backward()
    pull = -3 * logits.grad
    torch.testing.assert_close(pull, torch.tensor([1.0, 0.5, 0.0]), atol=1e-6, rtol=0)


def test_one_sided_smoothing_moves_the_best_logit_of_real_entries_alone():
    smooth = NonSaturating(label_smoothing=0.2, label_jitter=0.0)
    far = torch.tensor([-50.0])
    best = torch.tensor([math.log(0.8 / 0.2)], requires_grad=True)
    smooth.discriminator_loss(best, far).backward()
    assert best.grad.item() == pytest.approx(0, abs=1e-6)
    generated = torch.zeros(1, requires_grad=True)
    smooth.discriminator_loss(best.detach(), generated).backward()
    assert generated.grad.item() == pytest.approx(0.5)


def test_jitter_draws_labels_anew_and_never_above_one():
    torch.manual_seed(0)
    loss, logits = NonSaturating(label_smoothing=0.1, label_jitter=0.3), torch.ones(2000)
    values = [loss.discriminator_loss(logits, torch.full((2000,), -50.0)).item() for _ in range(2)]
    assert values[0] != values[1]
    # Labels are uniform in [0.6, 1.2], those above 1 are 1.
    mean_label = (0.4 * 0.8 + 0.2 * 1.0) / 0.6
    wanted = F.binary_cross_entropy_with_logits(torch.ones(1), torch.tensor([mean_label])).item()
    assert values[0] == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("labels", [(-0.1, 0.0), (0.1, -0.1), (0.6, 0.5)])
def test_labels_outside_their_range_are_refused(labels):
    with pytest.raises(ValueError, match="below 1"):
        NonSaturating(*labels)


def test_r1_of_a_linear_discriminator_is_half_its_squared_slope():
    slope = torch.tensor([3.0, -4.0])
    x, code = torch.randn(6, 2, requires_grad=True), torch.randn(6, 1, requires_grad=True)
    assert r1_penalty(x @ slope, x).item() == pytest.approx(12.5)
    assert r1_penalty(x @ slope + 2 * code[:, 0], x, code).item() == pytest.approx(14.5)


def test_r1_can_be_minimised():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    x = torch.randn(4, 2, requires_grad=True)
    r1_penalty(x @ weight, x).backward()
    torch.testing.assert_close(weight.grad, weight.detach())
