"""The directory of an evaluation inside its run's, and the loggers that write into it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.names import check_name
from hepad.logging.log import SafeLogging
from hepad.logging.loggers import finish, wandb_home
from hepad.rundir.config_file import moved_paths
from hepad.rundir.locking import lock_run


def evaluation_directory(run_dir: Path, name: str | None) -> Path:
    """Return the directory of an evaluation by its name, or date and time; raise `UserError` where it is there."""
    name = datetime.now().strftime("%Y-%m-%d_%H-%M-%S") if name is None else str(name)
    check_name(f"name={name}", name)
    directory = run_dir / "evaluations" / name
    if directory.exists():
        raise UserError(f"{directory} exists; choose another name")
    return directory


@contextmanager
def made_directory(directory: Path, keep: bool) -> Iterator[tuple[list[Logger], SafeLogging]]:
    """Make a directory to write in, and finish the loggers put in the list; it goes again if anything fails.

    What is logged through the second value can fail without harm.

    Args:
        directory: what to make.
        keep: it is a run's own, to be locked instead, and kept whatever happens.
    """
    loggers: list[Logger] = []
    log_safely = SafeLogging()
    with lock_run(directory) if keep else nullcontext(), wandb_home(directory):
        directory.mkdir(parents=True, exist_ok=keep)
        try:
            yield loggers, log_safely
        except BaseException:
            finish(loggers, exit_code=1)
            if not keep:
                shutil.rmtree(directory)
                with suppress(OSError):
                    directory.parent.rmdir()
            raise
        log_safely.finish(loggers)


def with_record_named(config: RunConfig, run_dir: Path, directory: Path, given: Sequence[str]) -> RunConfig:
    """Return a config whose loggers write into the evaluation's directory, in the run's project and group.

    They do so as a job of its own type, wherever the run's own loggers wrote: its config may be a stranger's. `given`
    are the keys of the command line.
    """
    loggers = {}
    for name, component in config.loggers.items():
        logger: dict[str, Any] = moved_paths(component.plain(), config.run_dir, str(directory))
        if "save_dir" in logger and f"logger.{name}.save_dir" not in given:
            logger["save_dir"] = str(directory)
        if directory != run_dir and "job_type" in logger:
            logger["job_type"] = "evaluate" if logger["job_type"] == "train" else logger["job_type"]
            logger["name"] = f"{logger['name'] or run_dir.name}_{directory.name}"
            # A run of its own, and the training's checkpoints are the training's.
            training = {"id": None, "log_model": "none", "registry": None, "alert": "none"}
            logger |= {
                key: value
                for key, value in training.items()
                if key in logger and (key in ("id", "log_model") or f"logger.{name}.{key}" not in given)
            }
        loggers[name] = logger
    return config.changed({"paths.run": str(directory)} | ({"logger": loggers} if loggers else {}))
