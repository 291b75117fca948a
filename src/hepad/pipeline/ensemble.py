"""Ensembles, a pipeline of N runs that differ by their seeds, and their scores together: mean, spread and gain."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hepad.checks.combinations import validate
from hepad.config import RunConfig
from hepad.core.errors import JobError, UserError
from hepad.metrics import Evaluation
from hepad.pipeline.campaign import silenced
from hepad.pipeline.folds import refuse_other_files
from hepad.pipeline.joined_run import JoinedRun, MemberScores, check_same_files, mean_sample, read_member
from hepad.pipeline.stages import Pipeline, Stage, run_stage
from hepad.report import Cell, Section, Table
from hepad.run.building import with_absolute_paths
from hepad.run.executing import Clock, TrainingResult
from hepad.rundir.config_file import moved_paths
from hepad.rundir.facts import read_metrics, read_provenance

SCORES: Final = "scores"
SPREAD: Final = "ensemble_spread"
"""The data set of scores.h5 that holds the standard deviation of an entry's scores over the members."""


def plan_ensemble(
    cfg: RunConfig,
    run_dir: Path,
    train: Callable[[RunConfig, Path], TrainingResult],
    check: Callable[[RunConfig, Path], None],
) -> Pipeline:
    """Return the stages: a run of each seed in `<run>/member0`, …, and `scores`, which joins what they found.

    Args:
        cfg: the config of all members; the first has its seed, the next ones those that follow.
        run_dir: the pipeline's directory.
        train: trains a run in a directory, or goes on with it; a member may itself be a pipeline.
        check: raises `UserError` for what is wrong with the input of a run.

    Raises:
        UserError: the members could not be trained.
    """
    cfg = with_absolute_paths(cfg)
    if cfg.data.folds is not None and cfg.data.fold is None:
        raise UserError(
            f"ensemble={cfg.ensemble} data.folds={cfg.data.folds}: folds are {cfg.data.folds} models already; leave "
            "one of the two out"
        )
    configs = {run_dir / f"member{i}": member_config(cfg, run_dir, i) for i in range(cfg.ensemble)}
    for config in configs.values():
        validate(config)
    first = next(iter(configs))
    check(configs[first], first)
    refuse_other_files(configs[first], list(configs))
    runs = [
        run_stage(directory.name, directory, config, train, says=f"training {directory.name} of {len(configs)} members")
        for directory, config in configs.items()
    ]
    names = tuple(stage.name for stage in runs)
    join = Stage(SCORES, run_dir / "scores.h5", lambda: join_members(cfg, run_dir, list(configs)), lambda: False, names)
    return Pipeline(run_dir, cfg, [*runs, join])


def member_config(cfg: RunConfig, run_dir: Path, number: int) -> RunConfig:
    """Return the config of one member's run, in a directory below `run_dir`."""
    directory = str(run_dir / f"member{number}")
    config = RunConfig.of(moved_paths(cfg.plain(), cfg.run_dir, directory))
    alone = [name for name, logger in config.loggers.items() if "group" in logger and logger["group"] is None]
    groups = {f"logger.{name}.group": run_dir.name for name in alone}
    # The order of training entries follows the seed, as it does in a run whose seed is set.
    seed = cfg.seed + number
    data = {"data.seed": seed} if cfg.data.get("seed") == cfg.seed else {}
    return silenced(config.changed({"paths.run": directory, "ensemble": None, "seed": seed, **data, **groups}))


def join_members(cfg: RunConfig, run_dir: Path, members: Sequence[Path]) -> TrainingResult:
    """Join what the members found: each entry has the mean of its scores, and their standard deviation beside it.

    Args:
        cfg: the pipeline's config.
        run_dir: its directory.
        members: the finished runs, in order.

    Raises:
        JobError: a member's scores are not those of its test part, or one is of other files or entries than the first.
    """
    clock = Clock()
    found = [read_member(directory) for directory in members]
    check_same_files(members)
    _check_entries(found)
    data = found[0].data
    samples = {name: mean_sample(name, [member.samples[name] for member in found]) for name in data.test_samples}
    spread = {
        name: {SPREAD: np.std([member.samples[name].score for member in found], axis=0, ddof=1).astype("<f4")}
        for name in data.test_samples
    }
    said = f"Every entry has the mean score of {len(members)} models that differ by their seeds."
    facts = {"ensemble_runs": [directory.name for directory in members]}
    attributes: dict[str, str | int] = {"ensemble": len(members), "scored_by": said}
    joined = JoinedRun(cfg, run_dir, members, data, samples, spread, attributes, data.background, facts)
    evaluation = joined.evaluation()
    evaluation.metrics |= ensemble_metrics(members, evaluation)
    return joined.write(clock, evaluation, ensemble_section(members, evaluation, said))


def _check_entries(found: Sequence[MemberScores]) -> None:
    first = found[0]
    for member in found[1:]:
        if member.entries.keys() != first.entries.keys() or any(
            not np.array_equal(entries.index, first.entries[name].index) for name, entries in member.entries.items()
        ):
            raise JobError(
                f"{member.directory} tests other entries than {first.directory.name}; remove {member.directory}"
            )


def ensemble_metrics(members: Sequence[Path], evaluation: Evaluation) -> dict[str, float]:
    """Return the AUC of one member, its spread over seeds, and the gain of the mean score, for every pair of samples.

    The gain is the AUC of the mean score less the mean of the members' AUCs; its error is the standard error of that
    mean, √(variance / N), which knows nothing of the tested entries: these are the same for all.
    """
    each = [read_metrics(directory) for directory in members]
    found: dict[str, float] = {}
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        areas = [metrics[f"test/auc/{pair}"] for metrics in each]
        mean, spread = float(np.mean(areas)), float(np.std(areas, ddof=1))
        found |= {
            f"test/ensemble/single_auc/{pair}": mean,
            f"test/ensemble/single_auc/{pair}/spread": spread,
            f"test/ensemble/gain/{pair}": evaluation.metrics[f"test/auc/{pair}"] - mean,
            f"test/ensemble/gain/{pair}/error": spread / len(areas) ** 0.5,
        }
    return found


def ensemble_section(members: Sequence[Path], evaluation: Evaluation, said: str) -> Section:
    """Return the report's section on the members, of what `ensemble_metrics` found."""
    rows: list[list[Cell]] = []
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        single, gain = f"test/ensemble/single_auc/{pair}", f"test/ensemble/gain/{pair}"
        names = (f"test/auc/{pair}", single, f"{single}/spread", gain, f"{gain}/error")
        rows.append([signal, reference, *(evaluation.metrics[name] for name in names)])
    titles = ["Signal", "Reference", "AUC of the mean", "Mean AUC of one", "± between seeds", "Gain", "± of the gain"]
    epochs = ", ".join(f"{path.name}: {read_provenance(path).get('epochs') or 0}" for path in members)
    caption = f"{len(members)} members; the gain of their mean score over one of them. Epochs: {epochs}."
    return Section("Ensemble", tables=[Table(titles, rows, caption)] if rows else [], notes=[said])
