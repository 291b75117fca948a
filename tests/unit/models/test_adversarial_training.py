"""Alternating updates in manual optimisation: whose turn it is, what moves, what a checkpoint carries."""

from functools import partial

import lightning as L
import pytest
import torch

from hepad.core.batch import Batch, take_rows
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import GAN, BiGAN

HINGE = {"_target_": "hepad.losses.Hinge"}
LOSSES = ("Hinge", "NonSaturating")
SMALL = {"generator": [8], "discriminator": [8], "latent": 3}


def entries(n: int = 160) -> Batch:
    x = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    return Batch(x * torch.tensor([1.0, 5.0, 0.2, 30.0]) + 10)


def build(kind: type[GAN] | type[BiGAN] = GAN, **settings) -> GAN | BiGAN:
    torch.manual_seed(1)
    model = kind([4], HINGE, **(SMALL | settings))
    model.prepare(entries())
    model.optimizer_factory = partial(torch.optim.Adam, lr=2e-3, betas=(0.0, 0.9))
    return model


def fit(model, max_epochs: int = 1, ckpt_path=None, callbacks=(), data: Batch | None = None) -> L.Trainer:
    quieten()
    trainer = L.Trainer(
        max_epochs=max_epochs, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=list(callbacks),
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    data = entries() if data is None else data
    loaders = BatchLoader(data, 16, shuffle_seed=0), BatchLoader(take_rows(data, slice(40)), 64)
    trainer.fit(model, *loaders, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def weights(module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in module.parameters()]


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", [GAN, BiGAN])
def test_steps_of_both_sides_are_counted_apart(kind):
    model = build(kind, discriminator_steps=3)
    trainer = fit(model)
    assert (int(model.discriminator_steps), int(model.generator_steps)) == (10, 3)
    assert int(model.average.updates) == 3
    # What Lightning counts is neither.
    assert trainer.global_step == 13


class Recorder(L.Callback):
    """Which side moved in each batch."""

    def __init__(self) -> None:
        self.moved: list[tuple[bool, bool]] = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        self.before = weights(pl_module.maker), weights(pl_module.discriminator)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        maker, discriminator = self.before
        moved = not same(maker, weights(pl_module.maker)), not same(discriminator, weights(pl_module.discriminator))
        self.moved.append(moved)


def test_each_side_moves_in_its_turn():
    recorder = Recorder()
    fit(build(discriminator_steps=2), callbacks=[recorder])
    assert recorder.moved == [(False, True), (True, True)] * 5


@pytest.mark.parametrize("kind", [GAN, BiGAN])
def test_a_step_of_one_side_leaves_the_other_alone(kind, monkeypatch):
    model = build(kind)
    trained = {}
    step = type(model)._step

    def spy(self, optimizer, loss, network):
        before = weights(self.maker), weights(self.discriminator)
        step(self, optimizer, loss, network)
        after = weights(self.maker), weights(self.discriminator)
        side = "maker" if network is self.maker else "discriminator"
        trained[side] = [not same(b, a) for b, a in zip(before, after, strict=True)]

    monkeypatch.setattr(type(model), "_step", spy)
    fit(model)
    assert trained == {"maker": [True, False], "discriminator": [False, True]}
    assert all(weight.requires_grad for weight in model.discriminator.parameters())


def test_learning_rates_are_separate_and_follow_the_scheduler():
    model = build(discriminator_lr=8e-3)
    model.scheduler_factory = partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    trainer = fit(model, max_epochs=2)
    assert [o.param_groups[0]["lr"] for o in trainer.optimizers] == [2e-3 / 4, 8e-3 / 4]
    assert all(o.param_groups[0]["betas"] == (0.0, 0.9) for o in trainer.optimizers)


def test_a_plateau_of_the_validation_loss_lowers_both_rates():
    model = build(discriminator_lr=8e-3)
    # Nothing is an improvement over the first epoch.
    model.scheduler_factory = partial(
        torch.optim.lr_scheduler.ReduceLROnPlateau, factor=0.1, patience=0, threshold=1e9, threshold_mode="abs"
    )
    trainer = fit(model, max_epochs=3)
    assert [o.param_groups[0]["lr"] for o in trainer.optimizers] == pytest.approx([2e-5, 8e-5])


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_gradients_of_each_optimiser_are_clipped(clip, monkeypatch):
    norms = []
    step = torch.optim.Adam.step

    def spy(self, closure=None):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))))
        return step(self, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", spy)
    fit(build(gradient_clip=clip))
    assert len(norms) == 20
    if clip is None:
        assert max(norms) > 1e-2
    else:
        assert max(norms) <= clip * 1.001


class Reseed(L.Callback):
    """The same random numbers in an epoch, whether or not the training was stopped before it."""

    def on_train_epoch_start(self, trainer, pl_module) -> None:
        torch.manual_seed(100 + trainer.current_epoch)


@pytest.mark.parametrize("kind", [GAN, BiGAN])
def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(kind, tmp_path):
    whole, stopped, resumed = (build(kind, discriminator_steps=3) for _ in range(3))
    fit(whole, max_epochs=2, callbacks=[Reseed()])
    fit(stopped, callbacks=[Reseed()]).save_checkpoint(tmp_path / "stopped.ckpt")
    fit(resumed, max_epochs=2, ckpt_path=tmp_path / "stopped.ckpt", callbacks=[Reseed()])
    state = resumed.state_dict()
    assert {"generator_steps", "discriminator_steps", "average.updates"} <= set(state)
    assert int(resumed.discriminator_steps) == 20
    # 20 // 3 steps: the turn is kept over the stop, after the tenth step.
    assert int(resumed.generator_steps) == 6
    for name, value in whole.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_r1_flattens_the_discriminator_at_real_entries():
    slopes = []
    for r1 in (0.0, 100.0):
        model = build(r1=r1, spectral_norm=False, discriminator_lr=1e-2)
        fit(model, max_epochs=4)
        x = model.represent(entries()).requires_grad_(True)
        slopes.append(torch.autograd.grad(model.discriminator(x).sum(), x)[0].norm(dim=1).mean())
    assert slopes[1] < 0.5 * slopes[0]


def test_a_gan_learns_what_its_data_look_like():
    # Points on a ring: no linear map of a normal code looks like it.
    angle = 2 * torch.pi * torch.rand(1000, generator=torch.Generator().manual_seed(0))
    ring = Batch(torch.stack([angle.cos(), angle.sin(), angle.sin(), angle.cos()], dim=1))
    model = build(generator=[32, 32], discriminator=[32], discriminator_lr=1e-2, ema=0.9)
    model.prepare(ring)
    model.optimizer_factory = partial(torch.optim.Adam, lr=5e-3, betas=(0.0, 0.9))
    start = model.watch(model.represent(ring))
    fit(model, max_epochs=4, data=ring)
    end = model.watch(model.represent(ring))
    assert end.energy_distance < 0.2 * start.energy_distance
    assert end.coverage > start.coverage


def bigan(loss: str, data: Batch, **settings) -> BiGAN:
    torch.manual_seed(1)
    model = BiGAN(data.x.shape[1:], {"_target_": f"hepad.losses.{loss}"}, **settings)
    model.prepare(data)
    model.optimizer_factory = partial(torch.optim.Adam, lr=5e-3, betas=(0.0, 0.9))
    return model


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


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"discriminator_lr": 0.0}, "positive learning rate"),
        ({"discriminator_steps": 0}, "at least 1"),
        ({"r1": -1.0}, "0 or a positive"),
        ({"gradient_clip": 0.0}, "positive norm"),
        ({"ema": 1.0}, "below 1"),
        ({"latent": 0}, "at least 1"),
    ],
)
def test_values_outside_their_range_are_refused(setting, said):
    with pytest.raises(ValueError, match=said):
        build(**setting)
