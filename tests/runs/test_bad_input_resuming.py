"""Wrong input to `resume=DIR`, two jobs in one directory, a disk without room: one clear line, and nothing harmed."""

import json
import shutil
from pathlib import Path

import h5py
import pytest

from hepad import train
from hepad.core.names import python_command
from hepad.rundir.locking import RunStatus, lock_run, run_status
from tests.runs.conftest import call, two_samples
from tests.runs.killing import start

SHORT = ["trainer.max_epochs=2", "logger=none", "evaluation.plots=false"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A directory with two samples and a run `run` that is trained, but not evaluated."""
    directory = tmp_path_factory.mktemp("begun")
    process = start(directory, [*two_samples(directory), *SHORT, "hydra.run.dir=run"], ("scores.h5", 0))
    process.join()
    assert run_status(directory / "run") is RunStatus.INTERRUPTED, (directory / "log.txt").read_text()
    return directory


@pytest.fixture
def place(begun, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(begun, tmp_path / "copy"))


def refused(place: Path, *words: str) -> str:
    """Check the contract for wrong input, and return the one line."""
    before = contents(place)
    done = call(train.main, place, *words)
    assert done.code == 2, done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1, done.err
    assert contents(place) == before
    assert not (place / "outputs").exists()
    return done.err


def contents(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resume=nowhere"], "is not a run: it has no config.yaml"),
        (["resume=run/checkpoints"], "is not a run: it has no config.yaml"),
        (["resume=run", "seed=3"], "seed=3: a resumed run keeps its own config; only trainer.max_epochs"),
        (["resume=run", "trainer.max_epochs=1"], "trainer.max_epochs=1: 2 epochs are done already"),
        (["resume=run", "model=vae"], "a resumed run keeps its own config"),
        (["resume=run", "hydra.run.dir=other"], "leave hydra.run.dir out"),
        (["resume=run", "seed=1,2", "-m"], "leave -m out"),
        (["resume=run", "data.samples.signal=missing.h5"], "no file missing.h5"),
        (["resume=run", "data.samples.signal=background.h5"], "has changed since the run began"),
        (["resume=run", "data.samples.other=background.h5"], "now they are background, signal, other"),
        (["resume=[run"], "[run is not a run: it has no config.yaml"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_what_cannot_be_resumed(place, words, said):
    assert said in refused(place, *words)


def test_a_config_that_is_none(place):
    (place / "run/config.yaml").write_text("hello")
    assert "is not the config of a run" in refused(place, "resume=run")


@pytest.mark.parametrize("number", [None, 99])
def test_a_run_of_another_version(place, number):
    path = place / "run/provenance.json"
    facts = json.loads(path.read_text()) | {"hepad": "9.1.0", "format": number}
    if number is None:
        # As runs were before there was a number.
        del facts["format"]
    path.write_text(json.dumps(facts))
    line = refused(place, "resume=run")
    assert "was made by hepad 9.1.0" in line
    assert "resume it with that version, or train it again" in line


def test_data_that_changed(place):
    with h5py.File(place / "signal.h5", "r+") as file:
        file["jet_event_data"][0, 0, 0] += 1
    # The config names the files where the run began.
    words = [f"data.samples.{name}={place / name}.h5" for name in ("background", "signal")]
    assert "(signal) has changed since the run began" in refused(place, "resume=run", *words)


@pytest.mark.parametrize("damage", [b"", b"no checkpoint"])
def test_checkpoints_that_are_all_damaged(place, damage):
    for name in ("last.ckpt", "previous.ckpt"):
        (place / "run/checkpoints" / name).write_bytes(damage)
    line = refused(place, "resume=run")
    assert "last.ckpt cannot be read" in line
    assert "previous.ckpt cannot be read" in line
    assert "train again in another directory" in line


def test_a_directory_where_another_process_is_at_work(place):
    with lock_run(place / "run"):
        assert run_status(place / "run") is RunStatus.RUNNING
        assert "another process works in" in refused(place, "resume=run")
    with lock_run(place / "new"):
        words = [*two_samples(place), *SHORT, "hydra.run.dir=new"]
        assert "another process works in" in refused(place, *words)


def test_two_processes_that_are_given_one_directory(begun, tmp_path):
    words = [*two_samples(tmp_path), *SHORT, "trainer.max_epochs=20", "hydra.run.dir=run"]
    pair = [start(tmp_path, words) for _ in range(2)]
    for process in pair:
        process.join()
    log = (tmp_path / "log.txt").read_text()
    assert sorted(process.exitcode for process in pair) == [0, 2], log
    assert log.count("error: ") == 1
    assert run_status(tmp_path / "run") is RunStatus.FINISHED


def test_no_room_for_a_checkpoint(begun, tmp_path, monkeypatch):
    # The command that is printed is for where the user stands.
    monkeypatch.chdir(tmp_path)
    words = [*two_samples(tmp_path), *SHORT, "hydra.run.dir=run"]
    # The system refuses what it would refuse on a full disk: best.ckpt is smaller than last.ckpt.
    limit = (begun / "run/checkpoints/best.ckpt").stat().st_size + 2000
    assert (begun / "run/checkpoints/last.ckpt").stat().st_size > limit
    process = start(tmp_path, words, largest_file=limit)
    process.join()
    log = (tmp_path / "log.txt").read_text()
    assert process.exitcode == 1, log
    assert log.splitlines()[-1] == (
        f"error: File too large: {tmp_path}/run/checkpoints/last.ckpt was not written, what was written before is "
        f"whole; make room, then go on with: {python_command()} -m hepad.train resume={tmp_path}/run"
    )
    assert "Traceback" not in log
    run = tmp_path / "run"
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt"}
    assert run_status(run) is RunStatus.FAILED
    assert call(train.main, tmp_path, "resume=run").code == 0
    assert (run / "metrics.json").read_bytes() == metrics_of(begun)


def metrics_of(begun: Path) -> bytes:
    """Finish the run that lacks its evaluation, once."""
    if not (begun / "run/metrics.json").exists():
        assert call(train.main, begun, "resume=run").code == 0
    return (begun / "run/metrics.json").read_bytes()
