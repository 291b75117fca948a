"""hepad's plugins of Hydra, in the only place where Hydra takes plugins from.

Hydra reads this file whenever it starts, so it imports nothing heavy; the work is done in `hepad.pipeline`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hepad.config.keys import find_kind
from hepad.core.errors import UserError


class HepadSweeper(Sweeper):
    """Runs the jobs of a sweep that are not done yet, and writes its summary; searches with Optuna if asked.

    Args:
        params: key → values in Hydra's sweep syntax, swept unless the command line sweeps the same key.
    """

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = dict(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what a sweep needs; called by Hydra."""
        self.hydra_context: HydraContext = hydra_context
        self.task_function = task_function
        self.config: DictConfig = config

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep that the words of the command describe."""
        from hepad.pipeline.jobs import check_swept_values

        words = [*(f"{key}={values}" for key, values in self.params.items()), *arguments]
        check_swept_values(self.hydra_context.config_loader, self.config, words)
        # Imported after the check: it needs torch, which takes seconds.
        from hepad.pipeline.sweeping import sweep

        sweep(self.hydra_context, self.task_function, self.config, words)


class ProcessLauncher(Launcher):
    """Runs every job as a process of its own, several at a time, so that one that dies takes no other down.

    Args:
        n_jobs: processes at a time; None for as many as there are cores.
        threads: threads of each process; None to share the cores.
    """

    def __init__(self, n_jobs: int | None = None, threads: int | None = None) -> None:
        self.n_jobs = n_jobs
        self.threads = threads

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the config; called by Hydra before anything is written."""
        for key, value in (("n_jobs", self.n_jobs), ("threads", self.threads)):
            kind = find_kind(("hydra", "launcher", key))
            if kind is not None and (problem := kind.problem(value)) is not None:
                raise UserError(f"hydra.launcher.{key}={value}: {problem.said}")
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs and return how each ended, in their order."""
        from hepad.pipeline.job_processes import run_processes

        return run_processes(self.config, job_overrides, self.n_jobs, self.threads)


@dataclass
class _SweeperConfig:
    _target_: str = f"{__name__}.HepadSweeper"
    params: dict[str, Any] | None = field(default=None)


@dataclass
class _ProcessesConfig:
    _target_: str = f"{__name__}.ProcessLauncher"
    n_jobs: int | None = None
    threads: int | None = None


ConfigStore.instance().store(group="hydra/sweeper", name="hepad", node=_SweeperConfig, provider="hepad")
ConfigStore.instance().store(group="hydra/launcher", name="processes", node=_ProcessesConfig, provider="hepad")
