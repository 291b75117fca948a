"""Runs of a pipeline in processes of their own, through the launcher that the command names, as the jobs of a sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hepad.config import quoted
from hepad.core.files import atomic_write_text
from hepad.core.outcome import JobOutcome
from hepad.pipeline.running import RunApart
from hepad.pipeline.stages import Stage
from hepad.run.interruption import stop_on_signals
from hepad.rundir.config_file import CONFIG, has_config

_IN_THIS_PROCESS: Final = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


def launcher_of_command(cfg: DictConfig, task: TaskFunction) -> RunApart | None:
    """Return what runs stages with the command's `hydra/launcher`; None where that is this process.

    Args:
        cfg: the command's config.
        task: runs a job, as for a sweep.
    """
    # A job of a sweep is in a process of its own already.
    if cfg.sweep.job is not None or HydraConfig.get().launcher._target_ == _IN_THIS_PROCESS:
        return None

    def run_apart(directory: Path, stages: Sequence[Stage]) -> list[JobOutcome]:
        for stage in stages:
            stage.output.mkdir(exist_ok=True)
            if not has_config(stage.output):
                # A run that was stopped at its very beginning: the process goes on with it.
                atomic_write_text(stage.output / CONFIG, OmegaConf.to_yaml(stage.config, resolve=True))
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks())
        config = _as_sweep(cfg, directory)
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
        with stop_on_signals():
            returned = launcher.launch([[f"sweep.job={stage.output.name}"] for stage in stages], initial_job_idx=0)
        outcomes = [result.return_value for result in returned]
        assert all(isinstance(outcome, JobOutcome) for outcome in outcomes)
        return outcomes

    return run_apart


def _as_sweep(cfg: DictConfig, directory: Path) -> DictConfig:
    """Return the config of a sweep in `directory`; its jobs know all else from their config.yaml."""
    running: Any = HydraConfig.instance().cfg
    hydra = running.hydra.copy()
    given = [str(word) for word in hydra.overrides.hydra]
    kept = [word for word in given if not word.lstrip("+").startswith(("hydra.mode=", "hydra.run.", "hydra.sweep."))]
    with read_write(hydra), open_dict(hydra):
        hydra.sweep.dir = str(directory)
        hydra.overrides.hydra = [*kept, f"hydra.sweep.dir={quoted(str(directory))}", "hydra.mode=MULTIRUN"]
        hydra.overrides.task = []
    config = cfg.copy()
    with read_write(config), open_dict(config):
        config.hydra = hydra
    return config
