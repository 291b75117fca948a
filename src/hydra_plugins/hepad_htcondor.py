"""HTCondor as a launcher of Hydra's: `hydra/launcher=htcondor`.

Hydra reads this file whenever it starts, so it imports nothing heavy; the work is done in `hepad.pipeline.htcondor`.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from hepad.config.keys import find_kind
from hepad.core.errors import UserError


class HTCondorLauncher(Launcher):
    """Submits one job for each run and waits for all of them.

    Args:
        settings: as `hepad.pipeline.htcondor_files.CondorSettings` has them.
    """

    def __init__(self, **settings: Any) -> None:
        plain = OmegaConf.to_container(OmegaConf.create(settings))
        assert isinstance(plain, dict)
        self.settings: dict[str, Any] = {str(key): value for key, value in plain.items()}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep the config; called by Hydra before anything is written."""
        for key, value in self.settings.items():
            kind = find_kind(("hydra", "launcher", key))
            if kind is not None and (problem := kind.problem(value)) is not None:
                raise UserError(f"hydra.launcher.{key}={value}: {problem.said}")
        if self.settings["input"] and not self.settings["transfer"]:
            raise UserError(
                "hydra.launcher.input is for pools without a shared file system: hydra.launcher.transfer=true"
            )
        if shutil.which("condor_submit") is None:
            raise UserError(
                "hydra/launcher=htcondor: no condor_submit on this machine; run it where HTCondor is, or try processes"
            )
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run the jobs and return how each ended, in their order."""
        from hepad.pipeline.htcondor import run_in_pool
        from hepad.pipeline.htcondor_files import CondorSettings

        lists = {key: tuple(self.settings[key]) for key in ("input", "prologue", "extra")}
        return run_in_pool(self.config, job_overrides, CondorSettings(**{**self.settings, **lists}))


@dataclass
class _HTCondorConfig:
    _target_: str = f"{__name__}.HTCondorLauncher"
    cores: int = 1
    gpus: int = 0
    memory: str = "4GB"
    disk: str = "1GB"
    retries: int = 3
    transfer: bool = False
    input: list[str] = field(default_factory=list)
    prologue: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)


ConfigStore.instance().store(group="hydra/launcher", name="htcondor", node=_HTCondorConfig, provider="hepad")
