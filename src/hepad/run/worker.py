"""One of the further processes of a training on several devices: `… -m hepad.run.worker RUN CHECKPOINT STATE`."""

import signal
import sys
from pathlib import Path

import torch

from hepad.callbacks.resume_point import set_random_state
from hepad.config import RunConfig
from hepad.core.float32 import exact_float32
from hepad.run.building import assemble, with_memory
from hepad.run.executing import fit, test
from hepad.run.training import stored_config
from hepad.rundir.facts import read_provenance


@exact_float32()
def run_worker(cfg: RunConfig, run_dir: Path, checkpoint: Path | None, state: Path) -> None:
    """Train and test beside the run's first process, which does all the rest; write nothing."""
    parts = assemble(with_memory(cfg, read_provenance(run_dir)), run_dir)
    set_random_state(torch.load(state, weights_only=True))
    fit(parts, checkpoint)
    test(parts, cfg.seed, None)


def main() -> None:
    """Take part in the training of a run; its directory, its checkpoint and a random state are the words."""
    # The first process decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_dir, checkpoint, state = sys.argv[1:]
    run_worker(stored_config(Path(run_dir)), Path(run_dir), Path(checkpoint) if checkpoint else None, Path(state))


if __name__ == "__main__":
    main()
