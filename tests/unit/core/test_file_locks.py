"""Locks where the file system has none, and where something else lies under their name."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from hepad.core.errors import UserError
from hepad.core.file_locks import _told
from hepad.rundir.locking import RunStatus, is_locked, lock_run, run_status
from hepad.simulation.production import locked

WITHOUT_LOCKS = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524]


@pytest.fixture
def flock_fails(monkeypatch):
    """Return a switch: after it `flock` answers with an error."""

    def switch(number):
        def flock(handle, how):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", flock)

    return switch


@pytest.mark.parametrize("number", WITHOUT_LOCKS)
def test_without_locks_a_run_goes_on_with_one_warning(tmp_path, flock_fails, capsys, number):
    flock_fails(number)
    run = tmp_path / "run"
    with lock_run(run):
        (run / "config.yaml").write_text("model: {}\n")
        assert not is_locked(run)
        assert run_status(run) is RunStatus.INTERRUPTED
    assert not (run / ".lock").exists()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"warning: the file system of {run} has no locks")


@pytest.mark.parametrize("number", WITHOUT_LOCKS)
def test_without_locks_a_simulation_goes_on_with_one_warning(tmp_path, flock_fails, capsys, number):
    flock_fails(number)
    for _ in range(2):
        with locked(tmp_path):
            pass
    assert capsys.readouterr().err.count("no locks") == 1
    _told.discard(tmp_path)


@pytest.mark.parametrize("lock", [lock_run, locked])
def test_any_other_error_is_one_line(tmp_path, flock_fails, lock):
    flock_fails(errno.EIO)
    with pytest.raises(UserError, match="Input/output"), lock(tmp_path):
        pass


def test_whoever_holds_the_lock_keeps_others_out(tmp_path):
    with lock_run(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(UserError, match="another process works"), lock_run(tmp_path):
            pass
    with locked(tmp_path), pytest.raises(UserError, match="another simulation"), locked(tmp_path):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_directory_in_place_of_the_lock_is_named(tmp_path, make):
    make(tmp_path / ".lock")
    for use in (
        lambda: is_locked(tmp_path),
        lambda: lock_run(tmp_path).__enter__(),
        lambda: locked(tmp_path).__enter__(),
    ):
        with pytest.raises(UserError, match=r"\.lock is (not a regular file|a directory)"):
            use()


def test_a_link_in_place_of_the_lock_is_named(tmp_path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"\.lock is not a regular file"), lock_run(tmp_path):
        pass


HOLD = """
import sys, time
from pathlib import Path
from hepad.rundir.locking import lock_run
with lock_run(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_leaves_nothing_in_the_way(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert is_locked(tmp_path)
        with pytest.raises(UserError, match="another process works"), lock_run(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    assert (tmp_path / ".lock").exists()
    assert not is_locked(tmp_path)
    with lock_run(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()


def test_those_who_ask_do_not_see_each_other_and_write_nothing(tmp_path):
    assert not is_locked(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / ".lock").touch(0o444)
    with (tmp_path / ".lock").open() as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not is_locked(tmp_path)
