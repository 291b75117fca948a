"""One process at a time in a run's directory, who is there, the status of the run, and a free name for a new one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write

from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock, is_held
from hepad.rundir.config_file import has_config
from hepad.rundir.facts import read_provenance

LOCK_NAME: Final = ".lock"
_PATIENCE_SECONDS: Final = 0.5
"""`is_locked` holds a lock for a moment."""


@contextmanager
def lock_run(run_dir: Path) -> Iterator[None]:
    """Make `run_dir` and hold its lock; a lock of the kernel's, so it goes with the process, however that ends.

    Where nothing else was written, the directory goes again. On a file system without locks a warning says that a
    second process is not kept out (`hepad.core.file_locks`).

    Raises:
        UserError: another process works there, or the directory cannot be made or written in.
    """
    existed = run_dir.is_dir()
    path = run_dir / LOCK_NAME
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = hold_lock(path, _PATIENCE_SECONDS)
    except OSError as error:
        raise UserError(f"cannot write in {run_dir}: {error.strerror}; choose another hydra.run.dir") from error
    if lock is None:
        raise UserError(f"another process works in {run_dir}; wait for it, or choose another hydra.run.dir")
    try:
        yield
    finally:
        # Removed while it is held: whoever opened it meanwhile finds that it is no longer the one on the disk.
        path.unlink(missing_ok=True)
        lock.release()
        if not existed:
            with suppress(OSError):
                run_dir.rmdir()


def is_locked(run_dir: Path) -> bool:
    """Return whether a process holds the lock of `run_dir`; no where that cannot be told.

    Raises:
        UserError: what has the name of the lock is no regular file.
    """
    path = run_dir / LOCK_NAME
    try:
        return is_held(path)
    except (FileNotFoundError, PermissionError):
        return False
    except OSError as error:
        raise UserError(f"cannot tell whether a process works in {run_dir}: {path}: {error.strerror}") from error


RUN_FORMAT: Final = 1
"""Number of the layout of a run's directory and checkpoints; another number cannot be resumed."""


class RunStatus(StrEnum):
    """Stage that a run has reached."""

    ABSENT = "absent"
    """There is no run: no directory, or none with a config.yaml."""
    RUNNING = "running"
    """A living process holds the directory's lock."""
    FINISHED = "finished"
    """Everything was written."""
    FAILED = "failed"
    """The job raised an error; provenance.json says which."""
    INTERRUPTED = "interrupted"
    """Stopped by a signal, or its process is gone without a word."""


def run_status(run_dir: str | Path) -> RunStatus:
    """Return how far the run in `run_dir` has come. Imports no torch, and touches nothing."""
    run_dir = Path(run_dir)
    if not has_config(run_dir):
        return RunStatus.ABSENT
    if is_locked(run_dir):
        return RunStatus.RUNNING
    try:
        status = read_provenance(run_dir).get("status")
    except UserError:
        # Whoever goes on with it, or reads it, is told what is wrong with the file.
        return RunStatus.INTERRUPTED
    if status in (RunStatus.FINISHED, RunStatus.FAILED):
        return RunStatus(status)
    return RunStatus.INTERRUPTED


def claim_directory(directory: Path) -> Path:
    """Make a directory that nobody else has: the one named, else `<name>_2`, `<name>_3`, …; return it.

    Raises:
        OSError: it cannot be made.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        candidate = directory if number == 1 else directory.with_name(f"{directory.name}_{number}")
        try:
            # Either made by this process or not at all, so that no two processes can have one.
            candidate.mkdir()
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("unreachable")


class DefaultRunDirectory(Callback):
    """Hydra's callback that claims a run's directory, unless the user names one with `hydra.run.dir`."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Put the claimed directory into the config; called by Hydra before it makes the directory."""
        if any(str(word).lstrip("+").startswith("hydra.run.dir=") for word in config.hydra.overrides.hydra):
            return
        # The default's name refers to Hydra's own section, which Hydra itself sets a moment later.
        HydraConfig.instance().set_config(config)
        try:
            claimed = claim_directory(Path(str(config.hydra.run.dir)))
        except OSError:
            # Hydra makes it in a moment, fails in the same way, and that is told.
            return
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.run.dir = str(claimed)
