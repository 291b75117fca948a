"""`python -m hepad.train`: train a model on background, score every sample, write the run."""

import os
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.errors import UserError


def job(cfg: DictConfig) -> None:
    """Train one run in the directory that Hydra made for it."""
    run_dir = Path(HydraConfig.get().runtime.output_dir)
    try:
        from hepad.run.console import print_result
        from hepad.run.training import train

        result = train(cfg, run_dir)
    except UserError:
        remove_if_empty(run_dir)
        raise
    print_result(result)


def remove_if_empty(run_dir: Path) -> None:
    """Remove the directories that Hydra made for a run that never began: only ours, and only while empty."""
    for directory in (run_dir, *run_dir.parents[:2]):
        try:
            os.rmdir(directory)
        except OSError:
            return


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "train", argv)


if __name__ == "__main__":
    main()
