"""Stages of a pipeline: jobs with edges, each of which leaves a run or a file for those behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hepad.run.executing import TrainingResult
from hepad.run.training import is_finished


@dataclass(frozen=True)
class Stage:
    """One job of a pipeline.

    Attributes:
        name: of the stage, for messages and `pipeline.json`.
        output: the run's directory, or the file, that it leaves.
        work: does it, from the beginning or from where it was stopped.
        is_done: tells whether its output is there, whole and the one that is wanted; asked where all that it needs is.
        needs: the stages whose output it reads.
        says: what is printed when it begins; empty for nothing.
        config: that of its run, where it is one in a directory of its own, so that it may run in a process of its own.
    """

    name: str
    output: Path
    work: Callable[[], Any]
    is_done: Callable[[], bool]
    needs: tuple[str, ...] = ()
    says: str = ""
    config: DictConfig | None = None


@dataclass(frozen=True)
class Pipeline:
    """Stages that share a directory.

    Attributes:
        directory: the pipeline's, which is a run's too: with config.yaml, and in the end with results.
        config: all that the pipeline is made again from.
        stages: every stage stands behind those that it needs; the last one's work returns the pipeline's result.
    """

    directory: Path
    config: DictConfig
    stages: Sequence[Stage]

    def __post_init__(self) -> None:
        known: set[str] = set()
        for stage in self.stages:
            if missing := [name for name in stage.needs if name not in known]:
                raise ValueError(f"stage {stage.name} needs {', '.join(missing)}, which does not stand before it")
            if stage.name in known:
                raise ValueError(f"two stages are called {stage.name}")
            known.add(stage.name)


def run_stage(
    name: str,
    directory: Path,
    config: DictConfig,
    work: Callable[[DictConfig, Path], TrainingResult],
    needs: tuple[str, ...] = (),
    says: str = "",
) -> Stage:
    """Return a stage that is a run of its own in a directory of its own; `work` begins it, or goes on with it."""
    return Stage(
        name, directory, lambda: work(config, directory), lambda: is_finished(directory), needs, says, config=config
    )
