"""Running a search: what is left of its stages, then the page, and what the terminal is told."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.types import TaskFunction

from hepad.config import RunConfig
from hepad.config.keys import check_config
from hepad.core.errors import UserError
from hepad.logging.log import SafeLogging, notify
from hepad.logging.loggers import build_loggers
from hepad.pipeline.running import RunApart, launcher_of_command, run_pipeline
from hepad.pipeline.stages import FINISHED, PipelineRecord, Stage
from hepad.pipeline.training_commands import begin_or_go_on
from hepad.run.training import exclusive_run_dir
from hepad.rundir.config_file import CONFIG, moved_paths
from hepad.rundir.parsing import read_yaml
from hepad.searches.console import print_search
from hepad.searches.logging import log_search, search_notice
from hepad.searches.page import write_search_page
from hepad.searches.planning import plan_search
from hepad.searches.record import SearchRecord

_BYTES = 1 << 20


def resumed_config(directory: Path) -> RunConfig:
    """Return the config of a search that was begun, with its own paths put right where the directory was moved.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = directory / CONFIG
    if not path.is_file():
        raise UserError(f"{directory} is not a search: it has no {CONFIG}")
    config = read_yaml(path, _BYTES)
    if not isinstance(config, dict) or "methods" not in config or not isinstance(config.get("paths"), dict):
        raise UserError(f"{path} is not the config of a search: it has no section methods")
    check_config(config, command="search")
    here = str(directory.absolute())
    return RunConfig.of(moved_paths(config, str(config["paths"].get("run")), here))


def run_search(cfg: RunConfig, task: TaskFunction | None = None) -> SearchRecord:
    """Do what is left of a search, write its page, and return what was found.

    Args:
        cfg: of the command, or of the search's directory.
        task: trains one run in a process of its own, for the command's launcher; None for all in this process.

    Raises:
        UserError: something is wrong with settings or samples; nothing was written.
        JobError: a stage failed; what the others wrote stays.
        Interrupted: SIGINT or SIGTERM came; the same command goes on.
    """
    directory = Path(cfg.run_dir).absolute()
    cfg = cfg.changed({"paths.run": str(directory), "resume": None})
    pipeline = plan_search(cfg, directory, begin_or_go_on)
    apart = None if task is None else _in_stages(launcher_of_command(cfg, task, "train"))
    print(f"{len(pipeline.stages)} stages in {directory}", flush=True)
    with exclusive_run_dir(directory, "search"):
        for rest in directory.rglob(".*.tmp"):
            # What a killed process was about to write.
            rest.unlink()
        found = run_pipeline(pipeline, apart, Progress(len(pipeline.stages)).tell)
        assert isinstance(found, SearchRecord)
        write_search_page(directory, found)
        _log(cfg, found, directory)
    print_search(found, directory)
    return found


def search_quietly(cfg: RunConfig) -> SearchRecord:
    """Do what is left of a search in this process and return what was found; no page, and nothing on the terminal.

    Raises:
        UserError: something is wrong with settings or samples; nothing was written.
        JobError: a stage failed.
    """
    directory = Path(cfg.run_dir).absolute()
    pipeline = plan_search(cfg.changed({"paths.run": str(directory), "resume": None}), directory, begin_or_go_on)
    with exclusive_run_dir(directory, "search"):
        found = run_pipeline(pipeline)
    assert isinstance(found, SearchRecord)
    return found


def _log(cfg: RunConfig, record: SearchRecord, directory: Path) -> None:
    """Log the search; what loggers cannot do costs a warning."""
    if not cfg.loggers:
        return
    settings = {key: value for key, value in cfg.plain().items() if key != "logger"}
    loggers = build_loggers({name: {**dict(logger), **_as_search(logger)} for name, logger in cfg.loggers.items()})
    log_safely = SafeLogging()
    for logger in loggers:
        log_safely(logger.log_hyperparams, settings)
    log_safely(log_search, loggers, record, directory)
    log_safely(notify, loggers, search_notice(record, directory))
    log_safely.finish(loggers)


def _as_search(logger: Mapping[str, Any]) -> dict[str, str]:
    """Return what a logger of a training has to be told."""
    return {"job_type": "search"} if logger.get("job_type") == "train" else {}


def _in_stages(apart: RunApart | None) -> RunApart | None:
    """Return a runner of runs that stand together in the directory of the stages."""
    if apart is None:
        return None

    def run_apart(directory: Path, stages: Sequence[Stage]) -> "Sequence[object]":
        (directory / "stages").mkdir(exist_ok=True)
        return apart(directory / "stages", stages)

    return run_apart  # type: ignore[return-value]


class Progress:
    """Progress over all stages, with the time that is left by what stages of their kind have taken.

    Args:
        n: how many there are.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._since = time.monotonic()

    def tell(self, stage: Stage, record: PipelineRecord) -> str:
        """Return the line of a stage that begins."""
        done = [name for name, known in record.stages.items() if known.status == FINISHED]
        left = seconds_left(record)
        told = "" if left is None else f", {left:.0f} s left"
        name = stage.name.rpartition("-")[0] or stage.name
        return f"[{len(done) + 1}/{self.n}] {name.replace('-', ' ')}{told}"


def kind_of_stage(name: str) -> str:
    """Return the kind of a stage, which takes about as long as others of it.

    >>> from hepad.searches.running import kind_of_stage
    >>> kind_of_stage("w0-cathode-fold2-1a2b3c4d"), kind_of_stage("null-w3-density-1a2b3c4d")
    ('cathode-fold', 'density')
    """
    parts = [part for part in name.split("-")[:-1] if part != "null" and not (part[:1] == "w" and part[1:].isdigit())]
    return "-".join(parts).rstrip("0123456789") or name


def seconds_left(record: PipelineRecord) -> float | None:
    """Return about how long the stages that are not done will take; None where no stage of a kind is done yet.

    Kinds of which none is done are counted with the mean of all that are.
    """
    taken: dict[str, list[float]] = {}
    for name, stage in record.stages.items():
        if stage.status == FINISHED:
            taken.setdefault(kind_of_stage(name), []).append(stage.seconds)
    if not taken:
        return None
    means = {kind: sum(values) / len(values) for kind, values in taken.items()}
    usual = sum(means.values()) / len(means)
    waiting = [kind_of_stage(name) for name, stage in record.stages.items() if stage.status != FINISHED]
    return sum(means.get(kind, usual) for kind in waiting)
