"""`python -m hepad.train`: train a model on background, score every sample, write the run."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.cli import run_command


def job(cfg: DictConfig) -> None:
    """Train one run in the directory that Hydra made for it."""
    # Imported here, so that --help does not wait for torch.
    from hepad.run.console import print_result
    from hepad.run.training import train

    print_result(train(cfg, Path(HydraConfig.get().runtime.output_dir)))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "train", argv)


if __name__ == "__main__":
    main()
