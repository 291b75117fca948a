"""A single wrong bit in best.ckpt: whoever would use the weights says so instead."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

import hepad
from hepad import evaluate, score, train
from hepad.core.errors import UserError
from tests.runs.conftest import call, two_samples

SHORT = ["trainer.max_epochs=2", "logger=none", "evaluation.plots=false"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A directory with two samples, and a run `run` with one wrong bit in the largest weight of its best.ckpt."""
    directory = tmp_path_factory.mktemp("damaged")
    words = ["hydra.run.dir=run", "data.half=first"]
    assert call(train.main, directory, *two_samples(directory), *SHORT, *words).code == 0
    assert hepad.load_run(directory / "run").score(np.ones((1, 17))).shape == (1,)
    path = directory / "run/checkpoints/best.ckpt"
    with zipfile.ZipFile(path) as file:
        part = max((info for info in file.infolist() if "/data/" in info.filename), key=lambda info: info.file_size)
        stored = file.read(part)
    content = bytearray(path.read_bytes())
    content[content.index(stored, part.header_offset) + len(stored) // 2] ^= 1
    path.write_bytes(content)
    return directory


def test_a_loaded_run(place):
    with pytest.raises(UserError, match=r"best\.ckpt is damaged \(a checksum is wrong\)"):
        hepad.load_run(place / "run")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (evaluate.main, ["run=run"]),
        (score.main, ["run=run", "input=signal.h5", "output=scores.h5"]),
        (train.main, ["resume=run", "trainer.max_epochs=3"]),
        (train.main, [*SHORT, "model=distilled", "model.teacher=run", "hydra.run.dir=student"]),
    ],
    ids=["evaluate", "score", "resume", "teacher"],
)
def test_every_command_that_reads_it(place, command, words):
    samples = two_samples(place) if "model=distilled" in words else []
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != ".lock"}
    done = call(command, place, *samples, *words)
    assert done.code == 2, done.err
    assert "best.ckpt is damaged (a checksum is wrong); " in done.err
    assert done.err.count("\n") == 1
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}.items() >= before.items()
    assert not (place / "student").exists()
    assert not (place / "scores.h5").exists()
    assert not (place / "run/evaluations").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint"])
def test_something_else_than_a_checkpoint(place, tmp_path, content):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").write_text((place / "run/config.yaml").read_text())
    (tmp_path / "checkpoints/best.ckpt").write_bytes(content)
    with pytest.raises(UserError, match=r"best\.ckpt is damaged \(it is cut off, or no checkpoint\)"):
        hepad.load_run(tmp_path)
