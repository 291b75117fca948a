"""`python -m hepad.generator_card run=DIR`: how good a run's generator is, beside real entries against real ones."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.late_import import importing
from hepad.core.names import python_command
from hepad.logging.early_import import import_wandb_first
from hepad.rundir.config_file import require_run


def job(cfg: DictConfig) -> None:
    """Write one card."""
    if cfg.run is None:
        raise UserError(f"which run? {python_command()} -m hepad.generator_card run=DIR")
    require_run(Path(cfg.run).expanduser())
    for key in ("sample", "reference"):
        for name in [cfg[key]] if isinstance(cfg[key], str) else (cfg[key] or []):
            if "*" not in name and "://" not in name:
                require_file(name, key)
    # Imported here, so that --help does not wait for torch.
    with importing():
        import_wandb_first(cfg.logger or {})
        from hepad.run.console import print_card
        from hepad.run.generator_card import make_generator_card
        from hepad.run.interruption import stop_on_signals

    with stop_on_signals():
        result = make_generator_card(RunConfig.of(cfg), list(HydraConfig.get().overrides.task))
    print_card(result)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "generator_card", argv)


if __name__ == "__main__":
    main()
