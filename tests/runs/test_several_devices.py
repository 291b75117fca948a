"""`trainer=ddp` with two real processes on the CPU: the same numbers as one process, one run, one of everything."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from lightning.fabric.plugins.environments.lightning import find_free_network_port

import hepad
from hepad import train
from tests.runs.conftest import call, two_samples
from tests.runs.killing import start

SHORT = ["trainer.max_epochs=3", "data.batch_size=64", "evaluation.plots=false", "data.limit={signal: 301}"]
DDP = ["trainer=ddp", "trainer.accelerator=cpu", *SHORT]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a run of one process and a run of two, started as a user does."""
    directory = tmp_path_factory.mktemp("devices")
    words = two_samples(directory)
    assert call(train.main, directory, *words, *SHORT, "logger=none", "hydra.run.dir=one").code == 0
    done = two_processes(directory, *words, *DDP, "hydra.run.dir=two")
    assert done.stdout.count("vs background") == 2, done.stdout
    return directory


def two_processes(directory, *words):
    command = [sys.executable, "-m", "hepad", "train", *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def assert_same_numbers(place, *runs):
    """Every metric and every weight of two runs, of `one` and `two`, is the same up to rounding."""
    runs = runs or ("one", "two")
    one, two = (json.loads((place / run / "metrics.json").read_text()) for run in runs)
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert two[name] == pytest.approx(value, abs=1e-6), name
    left, right = (torch.load(place / run / "checkpoints/best.ckpt", weights_only=True)["state_dict"] for run in runs)
    assert left.keys() == right.keys()
    for name, values in left.items():
        torch.testing.assert_close(right[name], values, rtol=1e-4, atol=1e-5)


def test_two_processes_find_what_one_does(place):
    assert_same_numbers(place)
    assert "dropout: 0.1" in (place / "two/config.yaml").read_text()
    histories = [np.genfromtxt(place / run / "history.csv", delimiter=",", skip_header=1) for run in ("one", "two")]
    np.testing.assert_allclose(*histories, rtol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        # Noise of the code, and dropout.
        ["model=vae", "model.dropout=0.2"],
        # Two processes have different numbers of jets in their events.
        ["model=td_ae", "model.dropout=0"],
        # The teacher is trained by two processes as well.
        ["model=distilled", "data=jets", "model.dropout=0.2", "trainer.max_epochs=1"],
        # Two optimisers; labels are jittered, and the gradient is clipped.
        ["model=gan", "data=jets", "loss=non_saturating", "model.gradient_clip=0.5"],
        ["model=bigan", "data=jets", "model.r1=1"],
    ],
    ids=lambda words: words[0],
)
def test_whatever_a_training_draws_is_drawn_for_the_whole_batch(tmp_path, model):
    words = [*two_samples(tmp_path), *SHORT, *model, "logger=none"]
    assert call(train.main, tmp_path, *words, "hydra.run.dir=one").code == 0
    # The first process need not import anything anew; the second does.
    process = start(tmp_path, [*words, *DDP[:2], "hydra.run.dir=two"])
    process.join()
    assert process.exitcode == 0, (tmp_path / "log.txt").read_text()
    assert_same_numbers(tmp_path)


def test_every_entry_is_scored_once_and_in_its_place(place):
    with h5py.File(place / "one/scores.h5") as one, h5py.File(place / "two/scores.h5") as two:
        run = hepad.load_run(place / "two")
        for sample in ("background", "signal"):
            for column in ("index", "slot"):
                np.testing.assert_array_equal(one[sample][column][:], two[sample][column][:])
            # An odd number cannot be shared evenly.
            assert len(two["signal/score"]) % 2 == 1
            with h5py.File(place / f"{sample}.h5") as source:
                jets = source["jet_event_data"][:][two[sample]["index"][:], two[sample]["slot"][:]]
            np.testing.assert_allclose(two[sample]["score"][:], run.score(jets), rtol=1e-5)


def two_nodes(place, *words):
    """Start a command in two directories, as two machines would; return them, and the last lines of both."""
    by_hand = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port()), "LOCAL_RANK": "0"}
    directories = [place / "node0", place / "node1"]
    processes = []
    for rank, directory in enumerate(directories):
        directory.mkdir(exist_ok=True)
        processes.append(start(directory, words, environment={**by_hand, "NODE_RANK": str(rank)}))
    for process in processes:
        process.join()
    texts = [(directory / "log.txt").read_text() for directory in directories]
    assert [process.exitcode for process in processes] == [0, 0], texts
    return directories, texts


def test_two_nodes_find_what_two_devices_do(place):
    words = [*two_samples(place), *DDP, "trainer.devices=1", "trainer.num_nodes=2", "logger=csv", "hydra.run.dir=run"]
    (first, second), (told, nothing) = two_nodes(place, *words)
    assert "vs background" in told
    assert nothing == ""
    assert {path.name for path in second.iterdir()} == {"log.txt"}
    assert_same_numbers(place, "two", "node0/run")
    # A node that does not see the directory is sent where training goes on.
    resumed = [f"resume={first / 'run'}", "trainer.max_epochs=4"]
    (_, second), (told, nothing) = two_nodes(place, *resumed)
    assert "epoch 3: " in told
    assert "epoch" not in nothing
    assert {path.name for path in second.iterdir()} == {"log.txt"}


def test_there_is_one_directory_and_one_wandb_run(place):
    assert {path.name for path in place.iterdir()} - {"node0", "node1"} == {"background.h5", "signal.h5", "one", "two"}
    assert len(list((place / "two/wandb").glob("offline-run-*"))) == 1
    assert {path.name for path in (place / "two/checkpoints").iterdir()} == {
        "best.ckpt",
        "last.ckpt",
        "previous.ckpt",
    }
    assert not list((place / "two").glob(".*"))
    facts = json.loads((place / "two/provenance.json").read_text())
    assert facts["status"] == "finished"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.batch_size=63"], "cannot be shared evenly by 2 processes"),
        (["trainer.strategy=ddp_spawn"], "allowed: auto, ddp"),
        (["trainer.strategy=dpp"], "dpp"),
        (["trainer.num_nodes=2"], "start the command on every node with torchrun or srun, or set MASTER_ADDR"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_several_devices_cannot_do(tmp_path, words, said):
    done = call(train.main, tmp_path, *two_samples(tmp_path), *DDP[:2], "data.batch_size=64", *words)
    assert done.code == 2, done.err
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
