"""`python -m hepad.dashboard`: a saved view of a W&B project."""

from collections.abc import Sequence

from omegaconf import DictConfig

from hepad.cli import run_command


def job(cfg: DictConfig) -> None:
    """Build the view, check it, write it, and save it to W&B where somebody is logged in."""
    # Imported here, so that --help does not wait for wandb.
    from hepad.logging.dashboard import make_dashboard

    for line in make_dashboard(cfg):
        print(line)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "dashboard", argv)


if __name__ == "__main__":
    main()
