"""Threads of a training: as many as have work, and as many again when it is resumed."""

from types import SimpleNamespace

import pytest
import torch
from tests.conftest import write_jet_file

from hepad.config import compose
from hepad.data import Batch
from hepad.models import ConvAutoencoder, DenseAutoencoder
from hepad.run import executing, training, workers
from hepad.rundir.facts import read_provenance

MSE = {"_target_": "hepad.losses.MSE"}


def parts_of(model, batch_size, world_size=1, device="cpu"):
    strategy = SimpleNamespace(root_device=torch.device(device))
    entries = SimpleNamespace(batch=Batch(torch.randn(64, *model.entry_shape)))
    data = SimpleNamespace(train_entries=entries, batch_size=batch_size)
    return SimpleNamespace(model=model, data=data, trainer=SimpleNamespace(world_size=world_size, strategy=strategy))


@pytest.fixture
def free(monkeypatch):
    """A process for which nobody has chosen a number of threads."""
    monkeypatch.setattr(workers, "_CHOSEN", False)


def test_a_small_network_trains_with_one_thread_and_a_large_step_with_all(free):
    jets, images = DenseAutoencoder((17,), loss=MSE), ConvAutoencoder((1, 18, 14), loss=MSE)
    assert workers.training_threads({}, parts_of(jets, 512), 8) == 1
    assert workers.training_threads({}, parts_of(images, 512), 8) == 8


@pytest.mark.parametrize("more", [{"world_size": 2}, {"device": "cuda"}])
def test_several_processes_and_a_gpu_keep_theirs(free, more):
    assert workers.training_threads({}, parts_of(DenseAutoencoder((17,), loss=MSE), 512, **more), 8) == 8


def test_the_number_of_the_user_is_obeyed(monkeypatch):
    monkeypatch.setattr(workers, "_CHOSEN", True)
    assert workers.training_threads({}, parts_of(DenseAutoencoder((17,), loss=MSE), 512), 8) == 8


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"threads": 8, "training_threads": 1}, 1),
        ({"threads": 8, "training_threads": 3}, 3),
        ({"threads": 4}, 4),  # of a version that trained with all
        ({"threads": 64, "training_threads": 64}, 1),  # of a machine that had more
    ],
)
def test_a_run_goes_on_with_as_many_as_it_began_with(free, facts, expected):
    assert workers.training_threads(facts, parts_of(DenseAutoencoder((17,), loss=MSE), 512), 8) == expected


def test_counting_draws_nothing_and_leaves_the_model_as_it_is(free):
    model = DenseAutoencoder((17,), loss=MSE, dropout=0.5).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parts = parts_of(model, 512)
    random = torch.get_rng_state()
    workers.training_threads({}, parts, 8)
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_run_trains_with_them_and_evaluates_with_all(free, monkeypatch, tmp_path):
    seen = {}
    for name in ("fit", "test"):
        whole = getattr(executing, name)

        def looked_at(*arguments, name=name, whole=whole):
            seen[name] = torch.get_num_threads()
            return whole(*arguments)

        monkeypatch.setattr(executing, name, looked_at)
    path = write_jet_file(tmp_path / "background.h5", n_events=300)
    few = ["data.bundled=false", "data.background=background", f"+data.samples.background={path}"]
    few += ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", f"paths.run={tmp_path}/run"]
    with workers.use_threads(2):
        training.train(compose("train", few), tmp_path / "run")
    facts = read_provenance(tmp_path / "run")
    assert seen == {"fit": 1, "test": 2}
    assert (facts["training_threads"], facts["threads"]) == (1, 2)
