"""Steps recorded and played back, with a recorder in place of CUDA's; entries and optimisers on a device."""

import copy
import itertools

import pytest
import torch
from tests.every_model import UNLIKE_PAIRS
from tests.gpu.cases import Entries
from tests.left_out import covering
from tests.stepping import assert_same, dense, fit, gan, jets, trainer_of
from torch.utils._python_dispatch import TorchDispatchMode

from hepad.data.loader import BatchLoader
from hepad.models import DeepSVDD, DenseAutoencoder
from hepad.nn import set_flow
from hepad.steps import loop as loop_module
from hepad.steps import several_steps
from hepad.steps.recorded import CudaGraph, place_entries, prepare_optimizers


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


@pytest.mark.parametrize("pair", covering(UNLIKE_PAIRS))
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
        def step_kind(self, batch_idx):
            return None

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


def test_a_model_of_ones_own_is_recorded_when_it_says_what_its_steps_are(tmp_path, monkeypatch, capsys):
    class Mine(DenseAutoencoder):
        pass

    class Told(DenseAutoencoder):
        def step_kind(self, batch_idx):
            return None

    for kind, said in ((Mine, "Mine has no step_kind"), (Told, "")):
        model = dense()
        model.__class__ = kind
        _, recorder = fit_recorded(monkeypatch, model, lambda model=model: fit(tmp_path, model, None))
        assert (next(recorder.played) > 0) == (not said)
        assert said in capsys.readouterr().err


def test_what_changes_with_the_epoch_is_another_kind_of_step(monkeypatch):
    model, kinds = DeepSVDD((5,), objective="soft", warm_up=2), []
    for epoch in range(4):
        monkeypatch.setattr(DeepSVDD, "current_epoch", epoch)
        kinds.append(model.step_kind(0))
    assert kinds == [False, False, True, True]


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
