"""A run that a stranger, or a broken disk, has changed: each change is refused in one line, or does no harm."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import hepad
from hepad import train
from hepad.checkpoints.training_checkpoint import find_checkpoint
from hepad.comparison.compare import compare
from hepad.core.errors import UserError
from hepad.rundir.history_file import read_history
from hepad.rundir.locking import run_status
from hepad.rundir.record import read_record
from tests.runs.conftest import call, two_samples
from tests.strange_checkpoints import CHECKPOINTS
from tests.strange_runs import Strange, strange_runs

SECONDS = 60  # of one change, on a machine that is busy with other things


def only_checkpoint(run: Path) -> object:
    (run / "checkpoints/previous.ckpt").unlink()
    return find_checkpoint(run / "checkpoints")


READERS: dict[str, Callable[[Path], object]] = {
    "config.yaml": hepad.load_run,
    "provenance.json": read_record,
    "metrics.json": read_record,
    "history.csv": read_history,
    "scores.h5": lambda run: compare([run, run.parent / "good"]),
    "checkpoints/best.ckpt": hepad.load_run,
    "checkpoints/last.ckpt": only_checkpoint,
    ".lock": run_status,
}

_OF_A_TRAINING = {
    "an epoch below zero",
    "an epoch that is a word",
    "loops that are a list",
    "loops of numbers",
    "callbacks of numbers",
    "optimisers that are words",
    "an optimiser of nothing",
}
_OF_A_MODEL = [
    *(name for name in CHECKPOINTS if "=" in name or name.startswith(("hidden", "loss", "another", "a weight "))),
    *("no settings", "settings that are a list", "settings under an old name", "a transposed weight", "whole numbers"),
]

# What no reader of that file looks at, or what may be so.
HARMLESS: dict[str, set[str]] = {
    "config.yaml": {"inference={'_target_': 'hepad.losses.MSE'}"},
    "provenance.json": {"epochs=None", "format=7", "threads=1000000"},
    "metrics.json": {"-5", "1e+308", "inf", "nan"},
    "history.csv": {
        "empty",
        "cut off",
        "a header alone",
        "words",
        "open quotes",
        "a null byte",
        "no numbers",
        "huge numbers",
        "epochs that are none",
    },
    "scores.h5": {"gigabytes of nothing", "a kind that is an array", "a kind that is not UTF-8"},
    "checkpoints/best.ckpt": _OF_A_TRAINING | {"another setting"},
    # A training goes on with the model of its config, which is compared with the weights when it is built.
    "checkpoints/last.ckpt": set(_OF_A_MODEL) | {"callbacks of numbers", "loops of numbers", "an optimiser of nothing"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples and a finished run `good`."""
    directory = tmp_path_factory.mktemp("strange")
    short = ["trainer.max_epochs=2", "logger=none", "evaluation.plots=false", "hydra.run.dir=good"]
    done = call(train.main, directory, *two_samples(directory), *short, "data.half=first")
    assert done.code == 0, done.err
    return directory


def changed(place: Path, strange: Strange) -> Path:
    run = place / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(place / "good", run)
    strange.change(run)
    return run


def too_slow(number, frame):
    raise AssertionError(f"not read within {SECONDS} s")


@pytest.mark.parametrize("file", READERS)
def test_every_change_is_refused_in_one_line_or_does_no_harm(place, file, capsys):
    before = signal.signal(signal.SIGALRM, too_slow)
    harmless, said = set(), {}
    try:
        for strange in (strange for strange in strange_runs() if strange.file == file):
            run = changed(place, strange)
            signal.alarm(SECONDS)
            try:
                READERS[file](run)
                harmless.add(strange.name)
            except UserError as error:
                said[strange.name] = str(error)
            except Exception as error:
                raise AssertionError(f"{strange.name}: {type(error).__name__}: {error}") from error
            finally:
                signal.alarm(0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert {name: text for name, text in said.items() if "\n" in text or len(text) > 1000} == {}
    assert harmless <= HARMLESS.get(file, set())
    assert not Path("/tmp/hepad_code_ran").exists()
