"""The further processes of a training on several devices of this machine.

Lightning would start each by repeating the command line, which says too much (a sweep) or too little (a notebook, a
directory named after the time). Here each is told the run's directory, and builds the same training from its config.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import find_free_network_port

from hepad.run.threads import use_threads


@contextmanager
def workers(
    trainer: L.Trainer, run_dir: Path, checkpoint: Path | None, threads: int, begins_with: dict[str, Any]
) -> Iterator[None]:
    """Start the other processes of `trainer`, if it has any, and see to their end.

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
