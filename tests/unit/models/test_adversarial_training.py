"""Alternating updates in manual optimisation: whose turn it is, what moves, what a checkpoint carries."""

from functools import partial

import lightning as L
import pytest
import torch
from tests.adversarial_training import build, entries, fit, same, weights

from hepad.core.batch import Batch
from hepad.models import GAN, BiGAN


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
    step = type(model).take_step

    def spy(self, optimizer, loss, parameters):
        moved = list(parameters)
        before = weights(self.maker), weights(self.discriminator)
        step(self, optimizer, loss, moved)
        after = weights(self.maker), weights(self.discriminator)
        side = "maker" if moved[0] is next(self.maker.parameters()) else "discriminator"
        trained[side] = [not same(b, a) for b, a in zip(before, after, strict=True)]

    monkeypatch.setattr(type(model), "take_step", spy)
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
