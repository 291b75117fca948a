"""Processes of a training over several nodes that something else has started: torchrun, SLURM, or the user by hand."""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

import lightning as L
import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from hepad.core.errors import UserError

_TORCHRUN: Final = "TORCHELASTIC_RUN_ID"
_BY_HAND: Final = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK")


def is_launched(num_nodes: int) -> bool:
    """Return whether all processes of a training were started before it, so that hepad starts none."""
    return num_nodes > 1 or _TORCHRUN in os.environ


def is_first(num_nodes: int) -> bool:
    """Return whether this process makes the run; the others take part in its training alone.

    Raises:
        UserError: several nodes, and nothing that says which this one is.
    """
    if not is_launched(num_nodes):
        return True
    match launcher(num_nodes):
        case TorchElasticEnvironment():
            return os.environ.get("RANK") == "0"
        case SLURMEnvironment():
            return os.environ.get("SLURM_PROCID") == "0"
        case _:
            return os.environ["NODE_RANK"] == os.environ["LOCAL_RANK"] == "0"


def launcher(num_nodes: int) -> ClusterEnvironment:
    """Return what tells Lightning which of all processes this one is.

    Raises:
        UserError: several nodes, and nothing that says which this one is.
    """
    if not is_launched(num_nodes):
        # hepad starts further processes itself, also inside a job of SLURM's.
        return LightningEnvironment()
    if _TORCHRUN in os.environ:
        return TorchElasticEnvironment()
    if SLURMEnvironment.detect() and int(os.environ["SLURM_NTASKS"]) > 1:
        return SLURMEnvironment(auto_requeue=False)
    if missing := [name for name in _BY_HAND if name not in os.environ]:
        raise UserError(
            f"trainer.num_nodes={num_nodes}: start the command on every node with torchrun or srun, or set "
            f"{', '.join(missing)} (docs/clusters.md)"
        )
    return LightningEnvironment()


def check_launched(trainer: L.Trainer, environment: ClusterEnvironment) -> None:
    """Raise `UserError` where another number of processes was started than a config asks for."""
    try:
        environment.validate_settings(trainer.num_devices, trainer.num_nodes)
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"trainer.devices={trainer.num_devices} on trainer.num_nodes={trainer.num_nodes} nodes are not the "
            f"processes that were started: {' '.join(str(error).split())}"
        ) from error


class BeginsWith(NamedTuple):
    """State that a training begins with, the same in all processes.

    Attributes:
        random: of the random generators.
        checkpoint: the contents of the checkpoint where training goes on; None at the beginning.
        threads: of each process.
    """

    random: dict[str, Any]
    checkpoint: bytes | None
    threads: int


def meet(trainer: L.Trainer) -> None:
    """Join the other processes of a training, which have been started, too; later calls of Lightning's find it done."""
    trainer.strategy.setup_environment()


def send(value: object) -> None:
    """Send a value from the first process to all others, each of which calls `receive`."""
    torch.distributed.broadcast_object_list([value])


def receive() -> Any:
    """Return what the first process sends."""
    found: list[Any] = [None]
    torch.distributed.broadcast_object_list(found)
    return found[0]


def send_best(trainer: L.Trainer, path: str) -> None:
    """Send the weights of the best epoch to the processes that were started elsewhere, if there are any."""
    if trainer.world_size > 1 and is_launched(trainer.num_nodes):
        send(Path(path).read_bytes())
