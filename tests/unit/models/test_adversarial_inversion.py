"""Encoders of adversarial models: which term of the loss teaches which network, and that an encoder inverts."""

from functools import partial

import pytest
import torch
from tests.adversarial_training import LOSSES, SMALL, bigan, build, entries, fit, same, weights

from hepad.core.batch import Batch
from hepad.models import GAN, BiGAN


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("side", "wanted"), [("generator", 1), ("encoder", -1)])
def test_a_step_of_what_makes_entries_fools_the_discriminator(loss, side, wanted):
    """G raises D of the pairs it makes, E lowers D of the real ones."""
    model = bigan(loss, entries(), **SMALL)
    x, code = model.represent(entries()), torch.randn(160, 3)

    def logits() -> torch.Tensor:
        inputs = model.generated_inputs if side == "generator" else model.real_inputs
        return model.discriminator(*inputs(code if side == "generator" else x, model.maker)).mean()

    # In train mode every pass would move the singular vectors of the spectral norm, and with them the logits.
    model.eval()
    before = logits()
    part = list(getattr(model.maker, side).parameters())
    gradients = torch.autograd.grad(model.maker_losses(x, code)["generator"], part)
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    with torch.no_grad():
        for weight, gradient in zip(part, gradients, strict=True):
            weight -= 1e-2 * gradient / norm
    assert wanted * (logits() - before) > 0


def reached(model, term: str) -> set[str]:
    """The networks whose weights a term of the maker's loss moves."""
    loss = model.maker_losses(model.represent(entries()), torch.randn(160, 3))[term]
    parts = {
        "generator": model.maker.generator,
        "encoder": model.maker.encoder,
        "discriminator": model.discriminator,
        "average": model.average,
    }
    weights = [(name, weight) for name, part in parts.items() for weight in part.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(loss, [weight for _, weight in weights], allow_unused=True)
    return {name for (name, _), grad in zip(weights, gradients, strict=True) if grad is not None and grad.any()}


def test_what_teaches_the_inverse_teaches_nobody_else():
    model = build(BiGAN)
    # The generator is not bent towards entries whose codes are easy to find.
    assert reached(model, "code_inverse") == {"encoder"}
    assert reached(model, "reconstruction") == {"generator", "encoder"}
    # The discriminator's own weights stand still in such a step.
    assert reached(model, "generator") == {"generator", "encoder", "discriminator"}


def test_the_encoder_of_a_gan_learns_and_the_game_does_not_see_it():
    model = build(GAN)
    model.discriminator.requires_grad_(False)
    assert reached(model, "encoder") == {"encoder"}
    assert reached(model, "generator") == {"generator"}


@pytest.mark.parametrize(("code_inverse", "reconstruction"), [(2.0, 3.0), (0.0, 0.0)])
def test_the_terms_of_the_inverse_are_their_formula(code_inverse, reconstruction):
    model = build(BiGAN, code_inverse=code_inverse, reconstruction=reconstruction)
    x, code = model.represent(entries()), torch.randn(160, 3)
    maker, losses = model.maker, model.maker_losses(x, code)
    if not code_inverse:
        assert set(losses) == {"generator"}
        return
    errors = maker.encode(maker.generate(code)) - code
    torch.testing.assert_close(losses["code_inverse"], 2 * errors.square().mean())
    torch.testing.assert_close(losses["reconstruction"], 3 * (maker.generate(maker.encode(x)) - x).abs().mean())


def test_the_terms_of_the_inverse_leave_the_discriminators_steps_as_they_are():
    # One step of generator and encoder at the end: all ten of the discriminator are before it.
    models = [build(BiGAN, code_inverse=w, reconstruction=w, discriminator_steps=10) for w in (0.0, 5.0)]
    for model in models:
        torch.manual_seed(3)
        fit(model)
    assert same(*(weights(model.discriminator) for model in models))
    assert not same(*(weights(model.maker) for model in models))


def test_the_encoder_of_a_gan_comes_to_invert_its_generator():
    code = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    plane = Batch(code @ torch.tensor([[1.0, 0.5, -1.0, 0.0], [0.0, 1.0, 0.5, -1.0]]))
    model = build(generator=[16], discriminator=[32], latent=2, discriminator_lr=1e-2, ema=0.9)
    model.prepare(plane)
    model.optimizer_factory = partial(torch.optim.Adam, lr=5e-3, betas=(0.0, 0.9))
    start = model.inversion(model.represent(plane))
    fit(model, max_epochs=5, data=plane)
    end = model.inversion(model.represent(plane))
    assert end.reconstruction < 0.5 * end.distance_to_mean < 0.5 * start.reconstruction
    assert abs(start.code_correlation) < 0.5
    assert end.code_correlation > 0.9


@pytest.mark.parametrize("loss", LOSSES)
def test_the_encoder_of_a_bigan_comes_to_invert_its_generator(loss):
    code = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    plane = Batch(code @ torch.tensor([[1.0, 0.5, -1.0, 0.0], [0.0, 1.0, 0.5, -1.0]]))
    model = bigan(loss, plane, generator=[16], discriminator=[32], latent=2, discriminator_lr=1e-2, ema=0.9)

    @torch.no_grad()
    def errors() -> tuple[float, float]:
        made, x = model.average.network, model.represent(plane)
        there_and_back = made.encode(made.generate(code)) - code
        return float(there_and_back.square().mean()), float((made.generate(made.encode(x)) - x).square().mean())

    start = errors()
    fit(model, max_epochs=5, data=plane)
    end = errors()
    # A code is drawn with variance 1, and so is every normalised feature.
    assert all(error > 0.9 for error in start)
    assert all(error < 0.4 for error in end)
