"""`python -m hepad.simulate` as a user runs it: real processes, real Pythia, real kills."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hepad.simulate", *arguments]


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=cwd, capture_output=True, text=True, timeout=300, check=False)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


SMALL = ("samples=[soft_qcd]", "n_events=20", "chunk_size=5", "seed=5", "pileup.mean=3")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an uninterrupted run."""
    cwd = tmp_path_factory.mktemp("uninterrupted")
    done = run(cwd, *SMALL, "output=data", "workers=2")
    assert done.returncode == 0, done.stderr
    assert "soft_qcd: 20 of 20 events" in done.stdout
    assert "22 validation plots in data/validation" in done.stdout
    return cwd / "data"


@pytest.mark.thorough
def test_the_command_writes_samples_plots_and_the_table(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {"soft_qcd.h5", "validation"}
    assert len(list((made / "validation").glob("*.png"))) == 22
    table = (made / "validation" / "jets_per_event.txt").read_text()
    assert "soft_qcd" in table
    assert "1.60" in table


@pytest.mark.thorough
def test_a_killed_run_continues_and_ends_with_the_same_file(made: Path, tmp_path: Path) -> None:
    arguments = (*SMALL, "output=data", "workers=2", "validate=false")
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, stdout=subprocess.DEVNULL)
    chunks = tmp_path / "data" / ".chunks" / "soft_qcd"
    deadline = time.monotonic() + 120
    while len(list(chunks.glob("*.npz"))) < 2:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "data" / "soft_qcd.h5").exists()

    # One chunk is damaged as well, as a full disk would.
    first = sorted(chunks.glob("*.npz"))[0]
    first.write_bytes(first.read_bytes()[:-100])
    resumed = run(tmp_path, *arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert "events were there already" in resumed.stdout
    assert sha256(tmp_path / "data" / "soft_qcd.h5") == sha256(made / "soft_qcd.h5")
    assert not chunks.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("samples=[higgs]",), "unknown sample 'higgs' in samples; choose from zero_bias, soft_qcd, jet_ht, ttbar"),
        (("n_events=-5",), "n_events=-5: an integer of at least 1"),
        (("output=file/data",), "output=file/data cannot be a directory"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_help_does_not_wait_for_pythia(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert "pileup" in done.stdout
    assert time.monotonic() - started < 10
