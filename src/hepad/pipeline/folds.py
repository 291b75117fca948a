"""Folds, a pipeline of K runs and their scores together: each entry is scored by the model that has not seen it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from hepad.checks.combinations import validate
from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.formats.direct import direct_file
from hepad.pipeline.campaign import silenced
from hepad.pipeline.fold_scores import join_folds
from hepad.pipeline.stages import Pipeline, Stage, run_stage
from hepad.run.building import with_absolute_paths
from hepad.run.executing import TrainingResult
from hepad.rundir.config_file import moved_paths
from hepad.rundir.facts import read_provenance

SCORES: Final = "scores"


def plan_folds(
    cfg: RunConfig,
    run_dir: Path,
    train: Callable[[RunConfig, Path], TrainingResult],
    check: Callable[[RunConfig, Path], None],
) -> Pipeline:
    """Return the stages: a run of every fold in `<run>/fold0`, …, and `scores`, which joins what they found.

    Args:
        cfg: the config of all folds.
        run_dir: the pipeline's directory.
        train: trains a run in a directory, or goes on with it; a fold may itself be a pipeline.
        check: raises `UserError` for what is wrong with the input of a run. The folds differ by the split alone, so one
            of them is looked at whole, unless the teacher is given.

    Raises:
        UserError: the folds could not be trained.
    """
    cfg = with_absolute_paths(cfg)
    configs = {run_dir / f"fold{fold}": fold_config(cfg, run_dir, fold) for fold in range(cfg.data.folds or 0)}
    for config in configs.values():
        validate(config)
    # A teacher that is there may have been trained on what is tested in one fold and not in another.
    looked_at = list(configs)[: None if cfg.model.get("teacher") is not None else 1]
    for directory in looked_at:
        check(configs[directory], directory)
    refuse_other_files(configs[next(iter(configs))], list(configs))
    runs = [
        run_stage(directory.name, directory, config, train, says=f"training {directory.name} of {len(configs)} folds")
        for directory, config in configs.items()
    ]
    names = tuple(stage.name for stage in runs)
    join = Stage(SCORES, run_dir / "scores.h5", lambda: join_folds(cfg, run_dir, list(configs)), lambda: False, names)
    return Pipeline(run_dir, cfg, [*runs, join])


def refuse_other_files(cfg: RunConfig, directories: Sequence[Path]) -> None:
    """Raise `UserError` where a run that is there is of another file than a sample is now: its scores are of others."""
    hashes: dict[str, str] = {}
    for directory in directories:
        known = read_provenance(directory).get("data", {})
        for name, file in cfg.data.samples.items():
            if file is None or name not in known:
                continue
            if name not in hashes:
                hashes[name] = file_sha256(direct_file(file, f"data.samples.{name}", cfg.data.format))
            if hashes[name] != known[name].get("sha256"):
                raise UserError(
                    f"data.samples.{name}={file} is another file than {directory} is of; give the one that it was, or "
                    f"remove {directory}"
                )


def fold_config(cfg: RunConfig, run_dir: Path, fold: int) -> RunConfig:
    """Return the config of one fold's run, in a directory below `run_dir`."""
    directory = str(run_dir / f"fold{fold}")
    config = RunConfig.of(moved_paths(cfg.plain(), cfg.run_dir, directory))
    # The folds of one pipeline are a group of runs, as the jobs of a sweep are.
    alone = [name for name, logger in config.loggers.items() if "group" in logger and logger["group"] is None]
    groups = {f"logger.{name}.group": run_dir.name for name in alone}
    return silenced(config.changed({"paths.run": directory, "data.fold": fold, **groups}))
