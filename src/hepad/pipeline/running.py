"""Running a pipeline, here or in processes of its stages: what is done is skipped, what was stopped goes on."""

import shlex
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction

from hepad.config import RunConfig
from hepad.core.errors import Interrupted, JobError, JobOutcome, UserError, one_line
from hepad.core.files import atomic_write_text
from hepad.core.names import python_command
from hepad.pipeline.jobs import as_sweep
from hepad.pipeline.stages import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    RUNNING,
    WAITING,
    Pipeline,
    PipelineRecord,
    Stage,
    StageRecord,
    read_pipeline,
)
from hepad.run.interruption import stop_on_signals
from hepad.run.workers import threads_as_before
from hepad.rundir.config_file import CONFIG, has_config

RunApart: TypeAlias = Callable[[Path, Sequence[Stage]], Sequence[JobOutcome]]
"""A function that runs the runs of some stages in processes of their own, and returns how each ended."""


def run_pipeline(
    pipeline: Pipeline,
    apart: RunApart | None = None,
    tell: Callable[[Stage, PipelineRecord], str] = lambda stage, record: stage.says,
) -> Any:
    """Do all stages that are not done, in a locked directory; return what the work of the last one returned.

    A stage that fails does not keep those from running that need nothing of it.

    Args:
        pipeline: its input is known to be right.
        apart: runs stages side by side; None to do one after the other in this process.
        tell: returns what is printed when a stage begins; nothing where that is empty.

    Raises:
        UserError: the first stage that had to be done refused its input, in a pipeline that was begun earlier.
        JobError: a stage failed; the message names it and the command that goes on, all files stay.
        Interrupted: a signal came.
    """
    run = _PipelineRun(pipeline, apart, tell)
    with threads_as_before({"threads": run.record.threads}):
        return run.to_its_end()


class _PipelineRun:
    def __init__(
        self, pipeline: Pipeline, apart: RunApart | None, tell: Callable[[Stage, PipelineRecord], str]
    ) -> None:
        self.pipeline = pipeline
        self.tell = tell
        self.directory = pipeline.directory
        self.apart = apart
        earlier = read_pipeline(self.directory)
        self.begun = (self.directory / "config.yaml").exists()
        self.worked = False
        self.record = PipelineRecord(
            threads=int(earlier.get("threads", torch.get_num_threads())),
            at_once=max(1, sum(stage.config is not None for stage in pipeline.stages)),
        )
        for stage in pipeline.stages:
            seconds = float(earlier["stages"].get(stage.name, {}).get("seconds", 0.0))
            self.record.stages[stage.name] = StageRecord(self._place(stage.output), list(stage.needs), WAITING, seconds)
        self.result: Any = None

    def to_its_end(self) -> Any:
        """Do the stages."""
        for rest in self.directory.glob(".*.tmp"):
            # What a killed process was about to write.
            if not rest.is_dir():
                rest.unlink()
        for stage in self.pipeline.stages:
            # What was made of something that is no longer there is made anew.
            if self._is_ready(stage) and stage.is_done():
                self.record.stages[stage.name].status = FINISHED
        atomic_write_text(self.directory / "config.yaml", self.pipeline.config.yaml())
        self.record.write(self.directory)
        while ready := [stage for stage in self.pipeline.stages if self._is_ready(stage)]:
            side_by_side = [stage for stage in ready if stage.config is not None]
            if self.apart is not None and len(side_by_side) > 1:
                self._do_apart(side_by_side, self.apart)
            else:
                self._do(ready[0])
        self._raise_failures()
        return self.result

    def _is_ready(self, stage: Stage) -> bool:
        stages = self.record.stages
        return stages[stage.name].status == WAITING and all(stages[name].status == FINISHED for name in stage.needs)

    def _do(self, stage: Stage) -> None:
        if said := self.tell(stage, self.record):
            print(said, flush=True)
        since = time.monotonic()
        self._note(stage, RUNNING)
        try:
            self.result = stage.work()
        except Interrupted as stop:
            self._note(stage, INTERRUPTED, time.monotonic() - since, stop.reason)
            raise
        except Exception as error:
            if isinstance(error, UserError) and self.begun and not self._has_worked():
                # Nothing was done by this command: what is wrong is its input.
                self._note(stage, FAILED, time.monotonic() - since, str(error))
                raise
            if not isinstance(error, UserError | JobError):
                traceback.print_exc()
            told = str(error) if isinstance(error, UserError | JobError) else one_line(error)
            self._note(stage, FAILED, time.monotonic() - since, " ".join(told.split()))
            return
        self._note(stage, FINISHED, time.monotonic() - since)
        self.worked = True

    def _has_worked(self) -> bool:
        return self.worked or any(stage.status == FAILED for stage in self.record.stages.values())

    def _do_apart(self, stages: Sequence[Stage], apart: RunApart) -> None:
        since = time.monotonic()
        for stage in stages:
            self._note(stage, RUNNING)
        try:
            outcomes = apart(self.directory, stages)
        except BaseException:
            for stage in stages:
                self._note(stage, FINISHED if stage.is_done() else INTERRUPTED, time.monotonic() - since)
            raise
        for stage, outcome in zip(stages, outcomes, strict=True):
            ended = FINISHED if outcome.status == "finished" else FAILED
            self._note(stage, ended, time.monotonic() - since, outcome.reason)
        self.worked = True

    def _note(self, stage: Stage, status: str, seconds: float = 0.0, reason: str = "") -> None:
        noted = self.record.stages[stage.name]
        noted.status, noted.reason = status, reason
        noted.seconds = round(noted.seconds + seconds, 3)
        self.record.write(self.directory)

    def _raise_failures(self) -> None:
        failed = {name: stage for name, stage in self.record.stages.items() if stage.status == FAILED}
        if not failed:
            return
        waiting = [name for name, stage in self.record.stages.items() if stage.status == WAITING]
        told = "; ".join(f"stage {name} failed: {stage.reason.rstrip('.')}" for name, stage in failed.items())
        behind = f" ({', '.join(waiting)} could not begin)" if waiting else ""
        goes_on = go_on_command(self.directory, self.pipeline.command)
        raise JobError(f"{told}{behind}. What the other stages wrote is kept; {goes_on}")

    def _place(self, path: Path) -> str:
        return str(path.relative_to(self.directory)) if path.is_relative_to(self.directory) else str(path)


def go_on_command(directory: Path, command: str = "train") -> str:
    """Return how to go on with a pipeline, as a part of a sentence."""
    return f"go on with: {python_command()} -m hepad.{command} resume={shlex.quote(str(directory))}"


def stage_statuses(directory: Path) -> Mapping[str, str]:
    """Return the status of each stage of a pipeline, as its pipeline.json has it."""
    return {name: stage["status"] for name, stage in read_pipeline(directory)["stages"].items()}


_IN_THIS_PROCESS: Final = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"


def launcher_of_command(cfg: RunConfig, task: TaskFunction, command: str | None = None) -> RunApart | None:
    """Return what runs stages with the command's `hydra/launcher`; None where that is this process.

    Args:
        cfg: the command's config.
        task: runs a job, as for a sweep.
        command: of the jobs, where it is another one than what runs.
    """
    # A job of a sweep is in a process of its own already.
    if cfg.sweep_job is not None or HydraConfig.get().launcher._target_ == _IN_THIS_PROCESS:
        return None

    def run_apart(directory: Path, stages: Sequence[Stage]) -> list[JobOutcome]:
        for stage in stages:
            stage.output.mkdir(exist_ok=True)
            if not has_config(stage.output) and stage.config is not None:
                # A run that was stopped at its very beginning: the process goes on with it.
                atomic_write_text(stage.output / CONFIG, stage.config.yaml())
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks())
        config = as_sweep(cfg, directory, command)
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=task, config=config)
        with stop_on_signals():
            returned = launcher.launch([[f"sweep.job={stage.output.name}"] for stage in stages], initial_job_idx=0)
        outcomes = [result.return_value for result in returned]
        assert all(isinstance(outcome, JobOutcome) for outcome in outcomes)
        return outcomes

    return run_apart
