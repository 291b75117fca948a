"""Joining a training that the first process of several nodes makes; nothing is written here.

What lies in the run's directory is sent, so that nodes need to share no disk: a random state and a checkpoint to begin
with, the best weights to test with. The data are read by each, at the place that its own command line names.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from hepad.callbacks.resume_point import set_random_state
from hepad.config import RunConfig
from hepad.core.float32 import exact_float32
from hepad.run.building import assemble
from hepad.run.executing import fit, test
from hepad.run.nodes import BeginsWith, meet, receive
from hepad.run.workers import use_threads


@exact_float32()
def join_training(cfg: RunConfig) -> None:
    """Train and test beside the run's first process, which does all the rest.

    Args:
        cfg: the same as that of the first process, but for the places of files.

    Raises:
        UserError: the config or the data cannot be used.
    """
    with TemporaryDirectory(prefix="hepad-") as place:
        parts = assemble(cfg, Path(place))
        meet(parts.trainer)
        begin: BeginsWith = receive()
        checkpoint = _kept(Path(place) / "last.ckpt", begin.checkpoint)
        set_random_state(begin.random)
        with use_threads(begin.threads):
            fit(parts, checkpoint)
            test(parts, cfg.seed, _kept(Path(place) / "best.ckpt", receive()))
    torch.distributed.destroy_process_group()


def _kept(path: Path, content: bytes | None) -> Path | None:
    if content is None:
        return None
    path.write_bytes(content)
    return path
