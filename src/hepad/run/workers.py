"""The further processes of a training on several devices of this machine.

Lightning would start each by repeating the command line, which says too much (a sweep) or too little (a notebook, a
directory named after the time). Here each is told the run's directory, and builds the same training from its config.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import find_free_network_port

from hepad.callbacks.resume_point import set_random_state
from hepad.core.errors import UserError
from hepad.run.building import Parts
from hepad.run.nodes import BeginsWith, is_launched, meet, send
from hepad.steps.threads import threads_for

MOST: Final = 4096
"""Threads of one process; far more end it without a word."""
_VARIABLE: Final = "OMP_NUM_THREADS"
_CHOSEN: Final = _VARIABLE in os.environ
"""True where the user, or whatever started this process, has said how many threads there are to be."""
_PER_CORE: Final = 16
_LAST_BITS: Final = "the last bits of its numbers may differ from those of a run that was never stopped"


@contextmanager
def threads_as_before(facts: Mapping[str, Any]) -> Iterator[None]:
    """Compute with as many threads as the run began with; say so where that is another number than now.

    Args:
        facts: the run's provenance; nothing changes where it names no number.
    """
    before, now = facts.get("threads"), torch.get_num_threads()
    if isinstance(before, int) and before > MOST:
        raise UserError(f"provenance.json: threads={before}: an integer from 1 to {MOST} is needed")
    if not isinstance(before, int) or before < 1 or before == now:
        yield
        return
    if before > max(now, _PER_CORE * (os.cpu_count() or 1)):
        # Starting them would end the process here, at the latest when memory for their stacks is gone.
        print(f"the run began with {_threads(before)}, too many for this machine: {_LAST_BITS}", flush=True)
        yield
        return
    with use_threads(before):
        if torch.get_num_threads() == before:
            print(f"going on with {_threads(before)}, as the run began (not {now}), for the same last bits", flush=True)
        else:
            here = torch.get_num_threads()
            print(f"the run began with {_threads(before)}, here there are {here}: {_LAST_BITS}", flush=True)
        yield


@contextmanager
def use_threads(number: int) -> Iterator[None]:
    """Compute with `number` threads, in this process and in those it starts, and put everything back."""
    threads, variable = torch.get_num_threads(), os.environ.get(_VARIABLE)
    torch.set_num_threads(number)
    os.environ[_VARIABLE] = str(number)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        os.environ.pop(_VARIABLE)
        if variable is not None:
            os.environ[_VARIABLE] = variable


def threads_of_each(n_processes: int) -> int:
    """Return the threads of each of the processes of a training: what the user has set, else a share of this one's."""
    threads = torch.get_num_threads()
    return threads if _VARIABLE in os.environ else max(1, threads // n_processes)


def training_threads(facts: Mapping[str, Any], parts: Parts, threads: int) -> int:
    """Return how many of a process' threads train: as many as the run began with, else as many as have work.

    Args:
        facts: the run's provenance, empty for a new run.
        parts: of the run.
        threads: of this process; all of them train where the user has set their number, or there are more processes.
    """
    before = facts.get("training_threads", facts.get("threads"))
    if isinstance(before, int) and 0 < before <= threads:
        return before
    if _CHOSEN or parts.trainer.world_size > 1 or parts.trainer.strategy.root_device.type != "cpu":
        return threads
    return threads_for(parts.model, parts.data.train_entries.batch, parts.data.batch_size, threads)


def _threads(number: int) -> str:
    return f"{number} thread{'' if number == 1 else 's'}"


@contextmanager
def workers(
    trainer: L.Trainer, run_dir: Path, checkpoint: Path | None, threads: int, begins_with: dict[str, Any]
) -> Iterator[None]:
    """Start the other processes of `trainer`, if it has any, and see to their end; or join those that were started.

    Args:
        trainer: of this process, the first.
        run_dir: the run's directory, with its config.yaml.
        checkpoint: where training goes on.
        threads: of each process.
        begins_with: state of the random generators, the same in all processes.
    """
    if trainer.world_size == 1:
        yield
        return
    if is_launched(trainer.num_nodes):
        meet(trainer)
        # Whoever meets the others is seeded anew by Lightning.
        set_random_state(begins_with)
        send(BeginsWith(begins_with, None if checkpoint is None else checkpoint.read_bytes(), threads))
        try:
            with use_threads(threads):
                yield
        finally:
            torch.distributed.destroy_process_group()
        return
    before = dict(os.environ)
    # With LOCAL_RANK set, Lightning starts no processes of its own.
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(find_free_network_port()),
        "NODE_RANK": "0",
        "LOCAL_RANK": "0",
    }
    place = TemporaryDirectory(prefix="hepad-")
    state = Path(place.name) / "random.pt"
    torch.save(begins_with, state)
    command = [sys.executable, "-m", "hepad.run.worker", str(run_dir), str(checkpoint or ""), str(state)]
    started = [
        # Ctrl-C is for the first process, which ends the others.
        subprocess.Popen(
            command,
            env=os.environ | {"LOCAL_RANK": str(rank), "OMP_NUM_THREADS": str(threads)},
            stdout=subprocess.DEVNULL,
            process_group=0,
        )
        for rank in range(1, trainer.world_size)
    ]
    try:
        with use_threads(threads):
            yield
            for process in started:
                process.wait()
    finally:
        for process in started:
            process.kill()
            process.wait()
        place.cleanup()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        os.environ.clear()
        os.environ |= before
