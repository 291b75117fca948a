"""`python -m hepad.train`: train a model on background, score every sample, write the run.

In Python the module is called: `hepad.train("vae", data=…)` is `hepad.python.train`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.command import GuardedJob
from hepad.cli.resume_overrides import changed_values, resume_in_place
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import remove_if_empty
from hepad.core.late_import import importing
from hepad.core.names import python_command
from hepad.core.phases import PHASES
from hepad.logging.early_import import import_wandb_first

if TYPE_CHECKING:
    from hepad.run.executing import TrainingResult


def job(cfg: DictConfig) -> None:
    """Train one run, or the runs of a pipeline, in the directory that Hydra made, or go on with what `resume` names."""
    with PHASES.shown("starting"):
        result = _trained(cfg)
    if result is not None:
        from hepad.run.console import print_result

        print_result(result)


def _trained(cfg: DictConfig) -> "TrainingResult | None":
    """Return what is to be printed; None where nothing was left to do, or for a job of a sweep."""
    # Imported here, so that --help does not wait for torch.
    with importing():
        import_wandb_first(cfg.logger or {})
        from hepad.pipeline.training_commands import begin, go_on, is_pipeline
        from hepad.run.joining import join_training
        from hepad.run.nodes import is_first, is_launched
        from hepad.run.training import changed_config, is_finished
        from hepad.rundir.locking import RunStatus, run_status

    run_dir = Path(HydraConfig.get().runtime.output_dir)
    config = RunConfig.of(cfg)
    if config.sweep_job is None and "n_trials" in cfg.sweep:
        raise UserError(f"sweep=optuna makes many runs; write {python_command()} -m hepad.train -m sweep=optuna …")
    if config.sweep_job is not None:
        before, left = PHASES.begin_job()
        # The sweep starts only jobs that are not finished, and sees that the run there is this one.
        if is_finished(run_dir):
            print(f"{before}{config.sweep_job}: finished by another process", flush=True)
        elif run_status(run_dir) is RunStatus.ABSENT:
            print(f"{before}{config.sweep_job}: starts{left}", flush=True)
            begin(config, run_dir)
        else:
            print(f"{before}{config.sweep_job}: goes on{left}", flush=True)
            go_on(run_dir)
        return None
    task = GuardedJob(job, "train")
    changes = changed_values(cfg, list(HydraConfig.get().overrides.task)) if cfg.resume is not None else None
    wanted = config if changes is None else changed_config(run_dir, changes)
    if is_launched(wanted.trainer.num_nodes):
        if is_pipeline(wanted, run_dir):
            raise UserError(
                "a pipeline trains several runs, each on one machine: leave torchrun and trainer.num_nodes out"
            )
        if not is_first(wanted.trainer.num_nodes):
            join_training(wanted)
            remove_if_empty(run_dir)
            return None
    if changes is None:
        return begin(config, run_dir, task)
    if is_finished(run_dir) and "trainer.max_epochs" not in changes:
        print(f"{run_dir} is finished; nothing is left to do")
        return None
    return go_on(run_dir, changes, task)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "train", argv, prepare=resume_in_place)


class _Callable(ModuleType):
    """This module, called as a function."""

    def __call__(self, model: str | None = None, /, *words: str, **settings: Any) -> Any:
        """Train a model and return the run; see `hepad.python.train`."""
        # Imported here, so that --help does not wait for it.
        from hepad.python.training import train

        return train(model, *words, **settings)


sys.modules[__name__].__class__ = _Callable


if __name__ == "__main__":
    main()
