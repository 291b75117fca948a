"""A process at work in a run's directory: alone, and with a word on how to go on where it is stopped."""

import errno
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hepad.core.errors import Interrupted, JobError
from hepad.core.pasteable import python_command
from hepad.logging.wandb_home import wandb_home
from hepad.run.interruption import stop_on_signals
from hepad.rundir.locking import lock_run

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def exclusive_run_dir(run_dir: Path) -> Iterator[None]:
    """Hold the directory's lock, keep W&B's files in it, and let signals and a full disk end the block with one line.

    Raises:
        UserError: another process is at work there, or the directory cannot be written.
        Interrupted: SIGINT or SIGTERM came.
        JobError: no space was left on the disk, or in the user's quota.
    """
    with lock_run(run_dir), stop_on_signals(), wandb_home(run_dir):
        try:
            yield
        except Interrupted as stop:
            raise Interrupted(stop.number, f"; {_advice(run_dir)}") from stop
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise JobError(
                f"{error.strerror}: {error.filename or run_dir} was not written, what was written before is whole; "
                f"make room, then {_advice(run_dir)}"
            ) from error


def _advice(run_dir: Path) -> str:
    if not (run_dir / "config.yaml").is_file():
        return f"in {run_dir.name} nothing was done yet: start again"
    return f"go on with: {python_command()} -m hepad.train resume={shlex.quote(str(run_dir))}"
