"""Blocks of optimiser steps: the same weights, numbers and counts as one step per call of Lightning's loop."""

import copy
import itertools
from functools import partial

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tests.every_model import UNLIKE_PAIRS
from tests.gpu.cases import Entries
from torch.utils._python_dispatch import TorchDispatchMode

from hepad.callbacks import History
from hepad.data import Batch
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import GAN, DenseAutoencoder
from hepad.nn import set_flow
from hepad.steps import loop as loop_module
from hepad.steps import several_steps
from hepad.steps.recorded import CudaGraph, place_entries, prepare_optimizers

MSE = {"_target_": "hepad.losses.MSE"}


def trainer_of(tmp_path, *callbacks, **settings):
    quieten()
    return L.Trainer(
        **{"max_epochs": 2, "accelerator": "cpu", "deterministic": True, "logger": False} | settings,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[History(tmp_path / "history.csv"), *callbacks],
    )  # fmt: skip


def jets(n=70, weight=False):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 5, generator=generator)
    return Batch(x, weight=torch.rand(n, generator=generator) if weight else None)


fused = partial(torch.optim.Adam, fused=True)


def dense(**settings):
    torch.manual_seed(0)
    model = DenseAutoencoder((5,), loss=MSE, hidden=[6], latent=2, dropout=0.2)
    model.prepare(jets())
    model.optimizer_factory = fused
    for name, value in settings.items():
        setattr(model, name, value)
    return model


def gan(**settings):
    torch.manual_seed(0)
    model = GAN((5,), loss={"_target_": "hepad.losses.NonSaturating"}, latent=3, **settings)
    model.prepare(jets())
    model.optimizer_factory = fused
    return model


def cosine(optimizer):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)


def fit(tmp_path, model, steps, *callbacks, weight=False, graph=None, **settings):
    """Train; `steps` "plain" leaves Lightning's loop as it is. Returns weights, rows of the history, counts."""
    trainer = trainer_of(tmp_path, *callbacks, **settings)
    if steps != "plain":
        several_steps(trainer, steps)
    torch.manual_seed(5)
    train = BatchLoader(jets(weight=weight), 8, shuffle_seed=3)
    val = BatchLoader(jets(20, weight=weight), 16)
    trainer.fit(model, train, val)
    loop = trainer.fit_loop.epoch_loop
    counts = (trainer.global_step, trainer.fit_loop.total_batch_idx, loop._batches_that_stepped, trainer.current_epoch)
    return model.state_dict(), trainer.callbacks[0].rows, counts, torch.rand(1), trainer


def assert_same(found, expected):
    weights, rows, counts, draw, _ = found
    for name, value in expected[0].items():
        assert torch.equal(weights[name], value), name
    assert rows == expected[1]
    assert counts == expected[2]
    assert torch.equal(draw, expected[3])


CASES = {
    "dropout": (dense, {}),
    "weights of entries": (dense, {"weight": True}),
    "a scheduler": (lambda: dense(scheduler_factory=cosine), {}),
    "clipping": (dense, {"gradient_clip_val": 0.1}),
    "fewer batches": (dense, {"limit_train_batches": 5}),
    "an end within an epoch": (dense, {"max_steps": 13}),
    "validation now and then": (dense, {"check_val_every_n_epoch": 2}),
    "double precision": (dense, {"precision": "64-true"}),
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


class NoWaiting(TorchDispatchMode):
    """Refuses what waits for a device: reading a value, or shapes that depend on one."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "unique")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        if any(name.startswith(word) for word in self.WAITS):
            raise RuntimeError(f"{name} waits for the device")
        return func(*args, **(kwargs or {}))


def recorder_of(model, trainer_box):
    """A recorder without a GPU: recording computes nothing that lasts, playing back takes the step again."""

    class Recorder(CudaGraph):
        played = itertools.count()

        def __init__(self):
            pass

        @staticmethod
        def warm_up(step):
            return step()

        def record(self, step):
            self.step, (trainer,) = step, trainer_box
            kept = [*model.parameters(), *model.buffers()]
            kept += [
                value
                for optimizer in trainer.optimizers
                for state in optimizer.state.values()
                for value in state.values()
            ]
            kept += [value for pair in model.epoch_means._sums.values() for value in pair]
            before, random = [value.detach().clone() for value in kept], torch.get_rng_state()
            try:
                with NoWaiting():
                    return step()
            finally:
                torch.set_rng_state(random)
                with torch.no_grad():
                    for value, old in zip(kept, before, strict=True):
                        value.copy_(old)

        def play(self):
            next(self.played)
            counted = trainer_box[0].fit_loop.epoch_loop.manual_optimization.optim_step_progress
            before = copy.deepcopy((counted.total, counted.current))
            self.step()
            counted.total, counted.current = before

    return Recorder


def fit_recorded(monkeypatch, model, train):
    """Call `train(trainer → None)` with recorded steps; returns the recorder."""
    box = []
    recorder = recorder_of(model, box)
    plain = loop_module.SeveralSteps.use_steps

    def use_steps(self, graph=None):
        box.append(self.trainer)
        plain(self, recorder)

    monkeypatch.setattr(loop_module.SeveralSteps, "use_steps", use_steps)
    found = train()
    monkeypatch.setattr(loop_module.SeveralSteps, "use_steps", plain)
    return found, recorder


@pytest.mark.parametrize("build", [dense, gan, lambda: gan(discriminator_steps=2)], ids=["one", "two", "two in turns"])
def test_recorded_steps_are_the_steps(tmp_path, monkeypatch, build):
    expected = fit(tmp_path, build(), "plain")
    model = build()
    found, recorder = fit_recorded(monkeypatch, model, lambda: fit(tmp_path, model, None))
    assert_same(found, expected)
    assert next(recorder.played) >= 8


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return Entries(tmp_path_factory.mktemp("entries"))


@pytest.mark.parametrize("pair", UNLIKE_PAIRS, ids="-".join)
def test_every_model_can_be_recorded(tmp_path, monkeypatch, entries, pair):
    """A step of a shipped model waits for nothing, and everything it changes lies where it lay."""
    # As on a GPU.
    monkeypatch.setattr(set_flow, "PACKED", ())

    def train(steps):
        model, data = entries.build(entries.config(*pair))
        trainer = trainer_of(tmp_path, limit_val_batches=1)
        if steps != "plain":
            several_steps(trainer, steps)

        def run():
            torch.manual_seed(5)
            trainer.fit(model, datamodule=data)
            return model.state_dict()

        return model, run, trainer

    _, run, _ = train("plain")
    expected = run()
    model, run, trainer = train(None)
    found, recorder = fit_recorded(monkeypatch, model, run)
    steps = trainer.fit_loop.epoch_loop.recorded
    assert steps.reason == ""
    assert next(recorder.played) > 0
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_what_cannot_be_recorded_is_trained_all_the_same(tmp_path, monkeypatch, capsys):
    class Waits(DenseAutoencoder):
        def losses(self, batch):
            return super().losses(batch) * (1.0 if float(batch.x.sum()) < 1e9 else 0.5)

    def build():
        model = dense()
        model.__class__ = Waits
        return model

    expected = fit(tmp_path, build(), "plain")
    model = build()
    found, _ = fit_recorded(monkeypatch, model, lambda: fit(tmp_path, model, None))
    assert_same(found, expected)
    assert (
        capsys.readouterr().err.count(
            "warning: steps are not recorded as CUDA graphs: RuntimeError: _local_scalar_dense waits"
        )
        == 1
    )


def test_an_optimiser_that_reads_its_own_count_is_not_recorded(capsys):
    optimizer = torch.optim.LBFGS([torch.nn.Parameter(torch.zeros(1))])
    assert prepare_optimizers([optimizer], torch.device("cuda")) == "LBFGS cannot be"


def test_what_a_gpu_left_in_an_optimiser_is_taken_back():
    weights = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weights], lr=torch.tensor(0.1), capturable=True)
    assert prepare_optimizers([optimizer], torch.device("cpu")) == ""
    weights.sum().backward()
    optimizer.step()
    assert optimizer.param_groups[0]["capturable"] is False
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


class Placed:
    def __init__(self):
        self.train_dataloader = BatchLoader(jets(1000), 8)
        self.val_dataloaders = [BatchLoader(jets(1000), 8)]


@pytest.mark.parametrize(("free", "device"), [(80_000, "meta"), (79_000, "cpu")])
def test_entries_live_on_the_device_if_they_take_no_more_than_half_of_it(capsys, free, device):
    placed = Placed()
    place_entries(placed, torch.device("meta"), free)
    assert placed.train_dataloader.entries.x.device.type == placed.val_dataloaders[0].entries.x.device.type == device
    said = capsys.readouterr().out
    assert said.count("stay in the computer's memory") == (1 if device == "cpu" else 0)
    assert said.count("\n") <= 1
