"""Running commands as a user does, in this process: imports are paid once."""

import contextlib
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hepad import train
from tests.conftest import write_jet_file


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


@pytest.fixture
def run_train(tmp_path: Path) -> Callable[..., Finished]:
    """Return a caller of `python -m hepad.train WORDS…` in the test's directory."""
    return lambda *words: call(train.main, tmp_path, *words)


@pytest.fixture
def own_samples(tmp_path: Path) -> list[str]:
    """Return the words that replace the bundled samples with two small files."""
    return two_samples(tmp_path)
