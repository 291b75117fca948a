"""The cluster that a command is asked to work on, checked before Dask or anything that computes is imported."""

import shutil
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

from hepad.core.errors import UserError
from hepad.core.threads import usable_cores

LOCAL: Final = "local"
SLURM: Final = "slurm"
HTCONDOR: Final = "htcondor"

_INSTALL: Final = 'pip install "hepad[cluster]"'
_SUBMITS: Final = {SLURM: "sbatch", HTCONDOR: "condor_submit"}
_PATIENCE: Final = 3.0
"""Seconds in which a scheduler must take a connection and greet."""
_LONGEST_GREETING: Final = 1 << 16


@dataclass(frozen=True)
class Jobs:
    """Jobs of a batch system, each of which holds workers.

    Attributes:
        cores: of a job; a worker of one thread runs on each.
        memory: of a job, such as `4GB`.
        disk: of a job of HTCondor's.
        walltime: HH:MM:SS of a job of SLURM's.
        queue, account: SLURM's partition and account; None for the user's own.
        extra: further lines of the job's description.
        prologue: lines of a shell before the workers start.

    >>> from hepad.cluster import Jobs
    >>> Jobs(memory="8GB").cores
    1
    """

    cores: int = 1
    memory: str = "4GB"
    disk: str = "1GB"
    walltime: str = "01:00:00"
    queue: str | None = None
    account: str | None = None
    extra: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cluster:
    """A cluster to work on.

    Attributes:
        word: `local`, `slurm`, `htcondor` or the address of a scheduler that is there already.
        workers: how many to start; a scheduler that is there already has its own.
        jobs: what to ask a batch system for.

    >>> from hepad.cluster import Cluster
    >>> Cluster("local", workers=2).is_address, Cluster("tcp://login:8786").is_address
    (False, True)
    """

    word: str
    workers: int = 1
    jobs: Jobs = field(default_factory=Jobs)

    @property
    def is_address(self) -> bool:
        """True for a scheduler that is there already."""
        return "://" in self.word


def read_cluster(word: str | None, workers: int | None, jobs: Any) -> Cluster | None:
    """Return the cluster that a config asks for; None for none.

    Args:
        word: the value of `cluster`.
        workers: how many workers; None for one per core of this machine.
        jobs: the section `jobs`, a mapping.

    Raises:
        UserError: Dask or the batch system's commands are not installed, there is no scheduler at the address, or a
            setting means nothing to the batch system.

    >>> from hepad.cluster import read_cluster
    >>> read_cluster(None, None, {}) is None
    True
    >>> read_cluster("tcp://127.0.0.1:9", None, {})
    Traceback (most recent call last):
    hepad.core.errors.UserError: cluster=tcp://127.0.0.1:9: no scheduler answers there (Connection refused); start one with `dask scheduler`, or take cluster=local
    """  # noqa: E501
    if word is None:
        return None
    for package in ("distributed", *(("dask_jobqueue",) if word in _SUBMITS else ())):
        if find_spec(package) is None:
            raise UserError(f"cluster={word} needs Dask: {_INSTALL}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in jobs.items()}
    if given.get("walltime") is None:
        given.pop("walltime", None)
    elif word == HTCONDOR:
        raise UserError(
            f"jobs.walltime={given['walltime']}: HTCondor has jobs.extra=['+MaxRuntime = SECONDS'] or alike"
        )
    if word == HTCONDOR and (unknown := [key for key in ("queue", "account") if given.get(key) is not None]):
        raise UserError(f"jobs.{unknown[0]}={given[unknown[0]]}: a setting of SLURM's; HTCondor has jobs.extra")
    cluster = Cluster(word, workers or usable_cores(), Jobs(**given))
    if (command := _SUBMITS.get(word)) is not None and shutil.which(command) is None:
        raise UserError(f"cluster={word}: there is no command {command} here; submit from a machine that has it")
    if cluster.is_address:
        _require_scheduler(word)
    return cluster


def _require_scheduler(address: str) -> None:
    """Raise `UserError` where no scheduler is: Dask itself would try for half a minute, or wait for ever."""
    protocol, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    advice = "start one with `dask scheduler`, or take cluster=local"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE) as connection:
            # It begins with the size of its greeting; under TLS the client has to begin.
            size = b"" if protocol == "tls" else connection.recv(8)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UserError(f"cluster={address}: no scheduler answers there ({reason}); {advice}") from error
    if protocol == "tcp" and not 0 < int.from_bytes(size, "little") < _LONGEST_GREETING:
        raise UserError(f"cluster={address}: what listens there is no scheduler of Dask's; {advice}")
