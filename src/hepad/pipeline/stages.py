"""Stages of a pipeline: jobs with edges, each of which leaves a run or a file, and the record of them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hepad import __version__
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.run.executing import TrainingResult
from hepad.run.training import is_finished
from hepad.rundir.parsing import fields, listing, mapping, number, read_json, text


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
    config: RunConfig | None = None


@dataclass(frozen=True)
class Pipeline:
    """Stages that share a directory.

    Attributes:
        directory: the pipeline's, which is a run's too: with config.yaml, and in the end with results.
        config: all that the pipeline is made again from.
        stages: every stage stands behind those that it needs; the last one's work returns the pipeline's result.
        command: that goes on with it.
    """

    directory: Path
    config: RunConfig
    stages: Sequence[Stage]
    command: str = "train"

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
    config: RunConfig,
    work: Callable[[RunConfig, Path], TrainingResult],
    needs: tuple[str, ...] = (),
    says: str = "",
) -> Stage:
    """Return a stage that is a run of its own in a directory of its own; `work` begins it, or goes on with it."""
    return Stage(
        name, directory, lambda: work(config, directory), lambda: is_finished(directory), needs, says, config=config
    )


FILE: Final = "pipeline.json"
WAITING: Final = "waiting"
RUNNING: Final = "running"
FINISHED: Final = "finished"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"

_BYTES: Final = 4 << 20
_word: Final = text()
_RECORD: Final = fields(
    {
        "hepad": _word,
        "threads": number(1, 4096, whole=True),
        "at_once": number(1, 1 << 20, whole=True),
        "stages": mapping(
            fields(
                {
                    "output": text(4096),
                    "needs": listing(_word),
                    "status": _word,
                    "seconds": number(0, 1e15),
                    "reason": text(1 << 20),
                },
                need=["output", "status"],
            )
        ),
    },
    need=["stages"],
)


@dataclass
class StageRecord:
    """Status of one stage.

    Attributes:
        output: what it leaves, seen from the pipeline's directory where it lies there.
        needs: the stages before it.
        status: `waiting`, `running`, `finished`, `failed` or `interrupted`.
        seconds: of all its work so far.
        reason: why it failed; empty otherwise.
    """

    output: str
    needs: list[str]
    status: str = WAITING
    seconds: float = 0.0
    reason: str = ""


@dataclass
class PipelineRecord:
    """All of pipeline.json.

    Attributes:
        threads: that the pipeline began with: the last bits of its numbers depend on them.
        at_once: how many runs could be trained side by side, if there is room.
        stages: name → how far it has come.
    """

    threads: int
    at_once: int = 1
    stages: dict[str, StageRecord] = field(default_factory=dict)

    def write(self, directory: Path) -> None:
        """Write pipeline.json in one step."""
        content = {
            "hepad": __version__,
            "threads": self.threads,
            "at_once": self.at_once,
            "stages": {name: asdict(stage) for name, stage in self.stages.items()},
        }
        atomic_write_text(directory / FILE, json.dumps(content, indent=2) + "\n")


def read_pipeline(directory: Path) -> dict[str, Any]:
    """Return what pipeline.json says, as plain values; no stages where it is not there.

    Raises:
        UserError: the file is damaged.
    """
    path = directory / FILE
    if not path.exists():
        return {"stages": {}}
    try:
        content = read_json(path, _BYTES)
        _RECORD(content, str(path))
    except UserError as error:
        raise UserError(f"{error}; remove the file, it is made anew") from error
    return content
