"""Files that HTCondor is given: the description of the jobs, and the script that each of them runs."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError

_KEPT: Final = ("HOME", "PATH", "WANDB_MODE", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_BASE_URL", "MPLBACKEND")
"""Variables that jobs get from this process: HTCondor starts them without any, and a key has no place in a script."""
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_RELEASE_AFTER_SECONDS: Final = 60


@dataclass(frozen=True)
class CondorSettings:
    """Resources and words that a job asks for.

    Attributes:
        cores: of a job, each of which gets a thread.
        gpus: of a job.
        memory, disk: such as `4GB`.
        retries: how often a job that is killed or put on hold is started again.
        transfer: HTCondor carries the run's directory there and back, for pools without a shared file system.
        input: files that it carries there too, with `transfer`.
        prologue: lines of a shell before the job.
        extra: further lines of the description.

    >>> from hepad.pipeline.htcondor_files import CondorSettings
    >>> CondorSettings(memory="8GB").cores
    1
    """

    cores: int = 1
    gpus: int = 0
    memory: str = "4GB"
    disk: str = "1GB"
    retries: int = 3
    transfer: bool = False
    input: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def script(command: Sequence[str], name: str, settings: CondorSettings) -> str:
    """Return the shell script of a job.

    Args:
        command: the words to run.
        name: of the job, and of its directory.
        settings: what the job asks for.
    """
    variables = {key: os.environ[key] for key in _KEPT if key in os.environ}
    variables |= dict.fromkeys(_THREADS, str(settings.cores))
    exported = [f"export {key}={shlex.quote(value)}" for key, value in variables.items()]
    # What is not there cannot be carried back, and the job would be put on hold.
    there = [f"mkdir -p {shlex.quote(name)}"] if settings.transfer else [f"cd {shlex.quote(os.getcwd())} || exit 1"]
    return "\n".join(["#!/bin/sh", *exported, *there, *settings.prologue, f"exec {shlex.join(command)}", ""])


def description(folder: Path, names: Sequence[str], settings: CondorSettings) -> str:
    """Return the text that `condor_submit` takes: one cluster of a job for each name.

    Args:
        folder: holds the scripts, and will hold output and logs.
        names: of the jobs.
        settings: what each asks for.

    Raises:
        UserError: a path that a description cannot hold.
    """
    if any(character in str(folder) for character in "\n\"'$,"):
        raise UserError(f"hydra/launcher=htcondor cannot work in {folder}: quotes, commas and $ are HTCondor's own")
    lines = [
        "# Written by hepad for hydra/launcher=htcondor.",
        "universe = vanilla",
        f"initialdir = {folder.parent}",
        f"request_cpus = {settings.cores}",
        f"request_memory = {settings.memory}",
        f"request_disk = {settings.disk}",
        *([f"request_gpus = {settings.gpus}"] if settings.gpus else []),
        # Killed by a signal, of memory say: once more, and the run goes on. 1 is a job that failed, 2 one that was
        # refused, and would be again.
        f"max_retries = {settings.retries}",
        "retry_until = (ExitBySignal =!= true) && (ExitCode =?= 0 || ExitCode =?= 1 || ExitCode =?= 2)",
        f"periodic_release = (NumHolds <= {settings.retries}) && (HoldReasonCode =!= 1) && "
        f"((time() - EnteredCurrentStatus) > {_RELEASE_AFTER_SECONDS})",
        "notification = never",
    ]
    if settings.transfer:
        lines += ["should_transfer_files = YES", "when_to_transfer_output = ON_EXIT_OR_EVICT"]
    else:
        lines += ["should_transfer_files = NO"]
    lines += settings.extra
    for name in names:
        lines += ["", f"executable = {folder / name}.sh"]
        lines += [
            f"{key} = {folder / name}.{end}" for key, end in (("output", "out"), ("error", "out"), ("log", "log"))
        ]
        if settings.transfer:
            # What there is of the run goes with it: it goes on there.
            begun = [str(folder.parent / name)] if (folder.parent / name).is_dir() else []
            carried = [*begun, *(str(Path(path).absolute()) for path in settings.input)]
            lines += [f"transfer_input_files = {', '.join(carried)}"] if carried else ["transfer_input_files ="]
            lines += [f"transfer_output_files = {name}"]
        lines += ["queue"]
    return "\n".join([*lines, ""])
