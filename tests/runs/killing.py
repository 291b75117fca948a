"""Real processes that a real SIGKILL ends at a chosen moment; imports are paid once for all of them."""

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hepad import train
from hepad.core.files import Due

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.quick_process", "hepad.run.training", "hepad.models", "hepad.plots"])


def start(
    directory: Path,
    words: Sequence[str],
    moment: tuple[str, int] | None = None,
    largest_file: int | None = None,
    environment: Mapping[str, str] | None = None,
    main: Callable[[Sequence[str]], None] = train.main,
) -> Any:
    """Start `python -m hepad.train WORDS…` from `directory` in a process of its own.

    Args:
        directory: where it works.
        words: its command line.
        moment: the name of a file, and how often it may be put in its place; the next time the process kills itself
            with SIGKILL after the file was written aside and before it is renamed. The name `step` stands for a
            training step.
        largest_file: no file may grow beyond so many bytes.
        environment: variables that are set there.
        main: of another command.
    """
    process = PROCESSES.Process(target=_work, args=(directory, list(words), moment, largest_file, environment, main))
    process.start()
    return process


def _work(
    directory: Path,
    words: list[str],
    moment: tuple[str, int] | None,
    largest_file: int | None,
    environment: Mapping[str, str] | None,
    main: Callable[[Sequence[str]], None],
) -> None:
    os.chdir(directory)
    os.environ |= environment or {}
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    os.environ |= {"WANDB_MODE": "offline", "HYDRA_FULL_ERROR": "1"}
    sys.argv = ["hepad"]
    if moment is not None:
        # Every file is written whenever it could be, so that moments are those of the epochs, not of a clock.
        Due.spare = 0.0
    if moment is not None and moment[0] == "step":
        from hepad.models import ReconstructionModel

        ReconstructionModel.training_step = _mortal(ReconstructionModel.training_step, "step", moment[1])
    elif moment is not None:
        os.replace = _mortal(os.replace, *moment)
    with (directory / "log.txt").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        main(words)


def _mortal(function: Callable[..., Any], name: str, spared: int) -> Callable[..., Any]:
    """Return `function`, but it kills this process at the call after `spared` ones that are about `name`."""
    left = [spared]

    def called(*arguments: Any) -> Any:
        if name == "step" or os.path.basename(arguments[1]) == name:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
        return function(*arguments)

    return called
