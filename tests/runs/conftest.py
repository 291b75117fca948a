"""Running commands as a user does, in this process: imports are paid once."""

import contextlib
import fcntl
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from hepad import train
from tests.conftest import write_jet_file
from tests.pictures import rendered_once


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str


def call(command: Callable[[Sequence[str]], None], directory: Path, *words: str) -> Finished:
    """Call the `main` of a command with `words` from `directory`."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(directory)
        patch.setattr(sys, "argv", ["hepad"])
        patch.setenv("HYDRA_FULL_ERROR", "1")
        try:
            command(list(words))
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Finished(code, out.getvalue(), err.getvalue())


def two_samples(directory: Path) -> list[str]:
    """Write a small background and signal; return the words that replace the bundled samples with them."""
    background = write_jet_file(directory / "background.h5", mean_pt=10.0, seed=1)
    signal = write_jet_file(directory / "signal.h5", mean_pt=40.0, seed=2)
    return [
        "data.bundled=false",
        "data.background=background",
        f"data.samples.background={background}",
        f"data.samples.signal={signal}",
    ]


@pytest.fixture(scope="package", autouse=True)
def pictures_rendered_once() -> Iterator[None]:
    """Let what runs draw share its pictures."""
    with rendered_once():
        yield


def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the one temporary directory that all processes of a test run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """A finished short run with every logger, and what it printed; made once for all processes, and only read."""
    directory = shared_directory(tmp_path_factory) / "finished"
    directory.mkdir(exist_ok=True)
    printed = directory / "printed.json"
    words = [
        "trainer.max_epochs=3",
        "hydra.run.dir=run",
        "logger=[wandb,csv,tensorboard,mlflow,comet,trackio]",
        "logger.wandb.project=jets",
        "logger.wandb.group=tuesday",
        "logger.wandb.job_type=test",
        "logger.wandb.name=first",
        "logger.wandb.tags=[short,dense]",
        "logger.wandb.notes=nothing new",
        "logger.wandb.log_model=all",
        "logger.wandb.log_report=true",
        "logger.wandb.alert=end",
        *(
            f"logger.{name}.{word}"
            for name in ("mlflow", "comet", "trackio")
            for word in ("log_model=best", "tags=[dense]")
        ),
        *(f"logger.{name}.log_report=true" for name in ("mlflow", "comet", "trackio")),
    ]
    with (directory / "lock").open("w") as lock:
        # Whoever comes first makes it, the others wait; a process that dies lets go.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            shutil.rmtree(directory / "run", ignore_errors=True)
            done = call(train.main, directory, *two_samples(directory), *words)
            assert done.code == 0, done.err
            printed.write_text(json.dumps(asdict(done)))
    return directory / "run", Finished(**json.loads(printed.read_text()))


@pytest.fixture(scope="session")
def run(finished: tuple[Path, Finished]) -> Path:
    """The directory of the finished run."""
    return finished[0]


@pytest.fixture
def run_train(tmp_path: Path) -> Callable[..., Finished]:
    """Return a caller of `python -m hepad.train WORDS…` in the test's directory."""
    return lambda *words: call(train.main, tmp_path, *words)


@pytest.fixture
def own_samples(tmp_path: Path) -> list[str]:
    """Return the words that replace the bundled samples with two small files."""
    return two_samples(tmp_path)
