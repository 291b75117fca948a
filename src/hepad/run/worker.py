"""One of the further processes of a training on several devices: `python -m hepad.run.worker RUN CHECKPOINT`."""

import signal
import sys
from pathlib import Path

from omegaconf import DictConfig

from hepad.core.float32 import exact_float32
from hepad.run.building import assemble
from hepad.run.executing import fit, test
from hepad.run.training import stored_config, train


@exact_float32()
def run_worker(cfg: DictConfig, run_dir: Path, checkpoint: Path | None) -> None:
    """Train and test beside the run's first process, which does all the rest; write nothing."""
    parts = assemble(cfg, run_dir)
    if parts.distillation is not None:
        parts.distillation.prepare_targets(train)
        parts.model.prepare(parts.data.train_entries.batch)
    fit(parts, checkpoint)
    test(parts, cfg.seed)


def main() -> None:
    """Take part in the training of a run: its directory and its checkpoint are the words of the command line."""
    # The first process decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_dir, checkpoint = sys.argv[1:]
    run_worker(stored_config(Path(run_dir)), Path(run_dir), Path(checkpoint) if checkpoint else None)


if __name__ == "__main__":
    main()
