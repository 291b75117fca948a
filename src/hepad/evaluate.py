"""`python -m hepad.evaluate run=DIR`: evaluate a run again, on other data if asked."""

from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.late_import import importing
from hepad.core.names import python_command
from hepad.logging.early_import import import_wandb_first


def job(cfg: DictConfig) -> None:
    """Evaluate one run."""
    if cfg.run is None:
        raise UserError(f"which run? {python_command()} -m hepad.evaluate run=DIR")
    # Imported here, so that --help does not wait for torch.
    with importing():
        import_wandb_first(cfg.logger or {})
        from hepad.pipeline.teachers import teacher_targets
        from hepad.run.console import print_result
        from hepad.run.evaluating import evaluate_run
        from hepad.run.interruption import stop_on_signals

    with stop_on_signals():
        result = evaluate_run(RunConfig.of(cfg), list(HydraConfig.get().overrides.task), teacher_targets)
    print_result(result)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "evaluate", argv)


if __name__ == "__main__":
    main()
