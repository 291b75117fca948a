"""SLURM through submitit: hydra-submitit-launcher, told to outlive a job that dies.

The plugin's own launcher stops waiting, with an exception, at the first job whose process was killed (memory, time
limit, node). This one collects how every job ended.
"""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec

from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hepad.core.errors import UserError

if find_spec("hydra_plugins.hydra_submitit_launcher") is not None:
    from hydra.core.config_store import ConfigStore
    from hydra_plugins.hydra_submitit_launcher.config import LocalQueueConf, SlurmQueueConf
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import BaseSubmititLauncher

    class HepadSubmititLauncher(BaseSubmititLauncher):
        """Submits every job and waits for all of them."""

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
            """Run the jobs and return how each ended, in their order."""
            from hepad.pipeline.slurm import submit

            return submit(self, self._EXECUTOR, job_overrides, initial_job_idx)

    class SlurmLauncher(HepadSubmititLauncher):
        """One SLURM job per run, as an array."""

        _EXECUTOR = "slurm"

        def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
            """Keep what jobs need; called by Hydra before anything is written."""
            if shutil.which("sbatch") is None:
                raise UserError(
                    "hydra/launcher=slurm: no sbatch on this machine; run it where SLURM is, or try slurm_local"
                )
            super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    class SlurmLocalLauncher(HepadSubmititLauncher):
        """The same without SLURM, all jobs at once on this machine: to try things out."""

        _EXECUTOR = "local"

    for _name, _base, _launcher in (
        ("slurm", SlurmQueueConf, SlurmLauncher),
        ("slurm_local", LocalQueueConf, SlurmLocalLauncher),
    ):
        ConfigStore.instance().store(
            group="hydra/launcher",
            name=_name,
            node=_base(_target_=f"{__name__}.{_launcher.__name__}", name="hepad"),
            provider="hepad",
        )
