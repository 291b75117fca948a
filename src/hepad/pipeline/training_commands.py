"""Beginning what a config asks for, and going on with it: one run, or a pipeline of several."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hydra.types import TaskFunction
from omegaconf import DictConfig

from hepad.checks.combinations import validate_run_dir
from hepad.config import RunConfig
from hepad.core.errors import JobError, UserError
from hepad.logging.notices import end_notice, failure_notice
from hepad.logging.results import Results
from hepad.pipeline.campaign import announce
from hepad.run.building import assemble
from hepad.run.executing import TrainingResult
from hepad.run.training import changed_config, check_unfinished, exclusive_run_dir, resume_run, train
from hepad.rundir.locking import RunStatus, run_status

if TYPE_CHECKING:
    from hepad.pipeline.stages import Pipeline

TARGETS: Final = "targets.h5"
"""The file of a student's targets in its directory."""


def begin(cfg: RunConfig | DictConfig, run_dir: Path, task: TaskFunction | None = None) -> TrainingResult:
    """Train the run, or do the stages of the pipeline, that `cfg` asks for, in a directory that holds none.

    Everything that can be wrong with the input of any stage is found before the first file is written.

    Args:
        cfg: `configs/train.yaml`, composed.
        run_dir: the directory.
        task: what the command's launcher runs in a process of its own; None to do all in this one.

    Raises:
        UserError: the config or the data cannot be used, or `run_dir` holds a run or belongs to another process.
        JobError: a stage failed; what the others wrote stays.
        Interrupted: SIGINT or SIGTERM came; `go_on` goes on.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from hepad.config import compose
    >>> from hepad.pipeline.training_commands import begin
    >>> from hepad.pipeline.running import stage_statuses
    >>> short = ["data.limit=500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
    >>> with TemporaryDirectory() as directory:  # doctest: +ELLIPSIS
    ...     run_dir = Path(directory) / "student"
    ...     result = begin(compose("train", ["model=distilled", *short, f"paths.run={run_dir}"]), run_dir)
    ...     print(dict(stage_statuses(run_dir)))
    training the teacher, ...
    {'teacher': 'finished', 'targets': 'finished', 'student': 'finished'}
    """
    cfg, run_dir = RunConfig.of(cfg), Path(run_dir).absolute()
    if not is_pipeline(cfg, run_dir):
        return train(cfg, run_dir)
    validate_run_dir(run_dir)
    with exclusive_run_dir(run_dir):
        # Another process may have been quicker.
        validate_run_dir(run_dir)
        return _run_pipeline(cfg, run_dir, task)


def go_on(run_dir: Path, changes: Mapping[str, Any] | None = None, task: TaskFunction | None = None) -> TrainingResult:
    """Go on with a run or a pipeline that was stopped; see `begin`, and `hepad.run.training.resume_run`."""
    run_dir = Path(run_dir).resolve()
    cfg = changed_config(run_dir, changes or {})
    if not is_pipeline(cfg, run_dir):
        return resume_run(run_dir, changes)
    if (is_folds(cfg) or is_ensemble(cfg)) and "trainer.max_epochs" in (changes or {}):
        runs = f"{cfg.ensemble} members" if is_ensemble(cfg) else f"{cfg.data.folds} folds"
        raise UserError(
            f"{run_dir} is a pipeline of {runs}, which have as many epochs as they began with; leave "
            "trainer.max_epochs out, or train them in another directory"
        )
    with exclusive_run_dir(run_dir):
        check_unfinished(run_dir, changes or {})
        return _run_pipeline(cfg, run_dir, task)


def begin_or_go_on(cfg: RunConfig, run_dir: Path) -> TrainingResult:
    """Begin a run or a pipeline, or go on with what is there; for the stages of another pipeline."""
    return begin(cfg, run_dir) if run_status(run_dir) is RunStatus.ABSENT else go_on(run_dir)


def is_pipeline(cfg: RunConfig, run_dir: Path) -> bool:
    """Return whether a config asks for several runs."""
    return is_ensemble(cfg) or is_folds(cfg) or is_distillation(cfg, run_dir)


def is_ensemble(cfg: RunConfig) -> bool:
    """Return whether a config asks for runs of several seeds, whose scores are averaged."""
    return cfg.ensemble > 1


def is_folds(cfg: RunConfig) -> bool:
    """Return whether a config asks for a run of every fold."""
    return cfg.data.folds is not None and cfg.data.fold is None


def is_distillation(cfg: RunConfig, run_dir: Path) -> bool:
    """Return whether a config asks for a student whose targets are still to be made, by a teacher."""
    if "teacher" not in cfg.model:
        return False
    given = cfg.data.targets
    if given is None or Path(given).expanduser().absolute() == run_dir / TARGETS:
        return True
    if cfg.model["teacher"] is not None or cfg.model["teacher_overrides"]:
        raise UserError("data.targets and model.teacher both say what the student learns; leave one of them out")
    return False


def plan_pipeline(cfg: RunConfig, run_dir: Path) -> "Pipeline":
    """Return the stages of a pipeline, whose input is then known to be right; nothing is written."""
    # Imported here, as most runs are no pipelines.
    if is_ensemble(cfg):
        from hepad.pipeline.ensemble import plan_ensemble

        return plan_ensemble(cfg, run_dir, begin_or_go_on, check_run)
    if is_folds(cfg):
        from hepad.pipeline.folds import plan_folds

        return plan_folds(cfg, run_dir, begin_or_go_on, check_run)
    from hepad.pipeline.distillation import plan_distillation

    return plan_distillation(cfg, run_dir, run_dir / TARGETS, begin_or_go_on)


def check_run(cfg: RunConfig, run_dir: Path) -> None:
    """Raise `UserError` for what is wrong with the input of a run or a pipeline; nothing is written."""
    if is_pipeline(cfg, run_dir):
        plan_pipeline(cfg, run_dir)
    else:
        assemble(cfg, run_dir)


def _run_pipeline(cfg: RunConfig, run_dir: Path, task: TaskFunction | None) -> TrainingResult:
    from hepad.pipeline.running import launcher_of_command, run_pipeline

    apart = None if task is None else launcher_of_command(cfg, task)
    pipeline = plan_pipeline(cfg, run_dir)
    # A student's run is a run like any other, and sends its own notice; so does the sweep that this is a job of.
    announced = (is_folds(cfg) or is_ensemble(cfg)) and cfg.sweep_job is None
    try:
        result = run_pipeline(pipeline, apart)
    except JobError as error:
        if announced:
            announce(cfg, run_dir, "pipeline", failure_notice(run_dir.name, str(error)))
        raise
    assert isinstance(result, TrainingResult)
    if announced:
        results = Results(result.evaluation.metrics)
        notice = end_notice(run_dir.name, result.evaluation)
        announce(cfg, run_dir, "pipeline", notice, results, run_dir / "report.html")
    return result
