"""Blocks of optimiser steps: the same weights, numbers and counts as one step per call of Lightning's loop."""

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tests.stepping import assert_same, cosine, dense, fit, gan, jets, trainer_of

from hepad.data.loader import BatchLoader
from hepad.models import DenseAutoencoder
from hepad.steps import loop as loop_module
from hepad.steps import several_steps

CASES = {
    "dropout": (dense, {}),
    "weights of entries": (dense, {"weight": True}),
    "a scheduler": (lambda: dense(scheduler_factory=cosine), {}),
    "clipping": (dense, {"gradient_clip_val": 0.1}),
    "fewer batches": (dense, {"limit_train_batches": 5}),
    "an end within an epoch": (dense, {"max_steps": 13}),
    "validation now and then": (dense, {"check_val_every_n_epoch": 2}),
    "double precision": (dense, {"precision": "64-true"}),
    "half precision": (dense, {"precision": "bf16-true"}),
    "mixed precision": (dense, {"precision": "bf16-mixed"}),
    "two optimisers": (gan, {}),
    "three steps of one side for each of the other": (lambda: gan(discriminator_steps=3), {}),
}


@pytest.mark.parametrize(("build", "settings"), CASES.values(), ids=CASES)
def test_a_block_is_its_steps_one_by_one(tmp_path, build, settings):
    expected = fit(tmp_path, build(), "plain", **settings)
    for steps in (1, 4, None):
        found = fit(tmp_path, build(), steps, **settings)
        assert found[-1].fit_loop.epoch_loop.reason == ""
        assert_same(found, expected)


def test_lightning_is_called_once_per_block(tmp_path):
    class Counted(loop_module.SeveralSteps):
        calls = 0

        def advance(self, data_fetcher):
            Counted.calls += 1
            super().advance(data_fetcher)

    trainer = trainer_of(tmp_path, max_epochs=1)
    trainer.fit_loop.epoch_loop = Counted(trainer, 4)
    trainer.fit(dense(), BatchLoader(jets(72), 8, shuffle_seed=3), BatchLoader(jets(20), 16))
    assert Counted.calls == 3  # 9 batches: 4, 4 and 1


class LooksAtSteps(Callback):
    def on_train_batch_end(self, *args):
        pass


class WithOwnStep(DenseAutoencoder):
    def optimizer_step(self, *args, **kwargs):
        super().optimizer_step(*args, **kwargs)


REASONS = {
    "trainer.accumulate_grad_batches": ({"accumulate_grad_batches": 2}, (), DenseAutoencoder),
    "trainer.detect_anomaly": ({"detect_anomaly": True}, (), DenseAutoencoder),
    "the callback LooksAtSteps": ({}, (LooksAtSteps(),), DenseAutoencoder),
    "WithOwnStep.optimizer_step": ({}, (), WithOwnStep),
}


@pytest.mark.parametrize(("reason", "case"), REASONS.items(), ids=REASONS)
def test_what_looks_at_every_step_sees_every_step(tmp_path, capsys, reason, case):
    settings, callbacks, kind = case
    model = dense()
    model.__class__ = kind
    found = fit(tmp_path, model, 16, *callbacks, **settings)
    assert found[-1].fit_loop.epoch_loop.reason == reason
    assert capsys.readouterr().out.count(f"one step at a time, for {reason}\n") == 1


class LogsSteps(DenseAutoencoder):
    """Logs as Lightning's own examples do: at every step, over the epoch, and both."""

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train/now", loss)
        self.log("train/both", loss, on_step=True, on_epoch=True, batch_size=len(batch.x))
        self.log("train/mean", loss, on_step=False, on_epoch=True)
        return loss


class LogsMeans(DenseAutoencoder):
    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train/mean", loss, on_step=False, on_epoch=True)
        return loss


# Lightning's own advice to those who let it guess how many entries a value is of.
@pytest.mark.filterwarnings("ignore:Trying to infer the .batch_size.")
@pytest.mark.parametrize("kind", [LogsSteps, LogsMeans])
def test_whatever_a_model_of_ones_own_logs_is_as_lightning_logs_it(tmp_path, kind):
    def build():
        model = dense()
        model.__class__ = kind
        return model

    expected = fit(tmp_path, build(), "plain")
    found = fit(tmp_path, build(), None)
    assert_same(found, expected)
    assert {"train/loss", "train/mean"} <= set(found[1][0])
    by_step = "a value that is logged at every step"
    assert found[-1].fit_loop.epoch_loop.reason == (by_step if kind is LogsSteps else "")


def test_a_trainer_trains_another_model(tmp_path):
    expected = fit(tmp_path, dense(), None)
    trainer = several_steps(trainer_of(tmp_path))
    for model in (gan(), dense()):
        trainer.fit_loop.epoch_progress.reset()
        trainer.callbacks[0].rows = []
        torch.manual_seed(5)
        trainer.fit(model, BatchLoader(jets(), 8, shuffle_seed=3), BatchLoader(jets(20), 16))
    for name, value in expected[0].items():
        assert torch.equal(model.state_dict()[name], value), name


def test_a_block_has_at_least_one_step(tmp_path):
    with pytest.raises(ValueError, match="steps_per_execution=0"):
        several_steps(trainer_of(tmp_path), 0)
