"""A search for good settings with Optuna, each trial a run."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import Override

from hepad.core.errors import JobOutcome, UserError
from hepad.pipeline.jobs import Job
from hepad.pipeline.metric import caveats, changes_input, changes_objective, check_metric, needs_labels
from hepad.pipeline.session import Session
from hepad.pipeline.summary import summarise, summary_if_stopped
from hepad.pipeline.sweep_table import read_result
from hepad.pipeline.trials import (
    PRUNERS,
    SAMPLERS,
    distributions,
    example,
    open_study,
    parse_space,
    require_optuna,
    tell,
)

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial


def run_search(session: Session, swept: Sequence[Override]) -> None:
    """Run trials until `sweep.n_trials` are done, those of earlier commands included, then write the summary.

    Trials that an earlier command left unfinished are resumed first; those that failed then are made up for by new
    ones.

    Args:
        session: the sweep.
        swept: the space from the command line; empty for that of the config.

    Raises:
        UserError: the search cannot be made as asked; nothing was written.
        JobsFailed: a trial failed.
    """
    require_optuna()
    from optuna.trial import TrialState

    section = session.section
    overrides = list(swept) or parse_space(section["search_space"] or {})
    metric = section["metric"] or "val/loss"
    _check(section, metric, overrides)
    space = distributions(overrides)
    first = session.job("trial-000", {override.get_key_element(): example(override) for override in overrides})
    check_metric(section, metric, [first])
    session.directory.mkdir(parents=True, exist_ok=True)
    study = open_study(session.directory, section, metric, space)
    outcomes: list[JobOutcome] = []
    failed_before = len(study.get_trials(deepcopy=False, states=(TrialState.FAIL,)))

    def summary(outcomes: Sequence[JobOutcome], *notes: str) -> None:
        direction = section["direction"]
        notes = (*notes, *caveats(metric, list(space)), *_story(study))
        summarise(session, outcomes, metric, direction, notes, _history(study, metric, direction))

    with summary_if_stopped(session, lambda why: summary([], why)):
        while batch := _next_trials(study, space, section["n_trials"] + failed_before, section["n_parallel"]):
            jobs = [_job(session, trial) for trial in batch]
            session.count.expect(section["n_trials"] + failed_before, done=batch[0].number)
            ended = session.run(jobs, section["n_parallel"])
            outcomes += ended
            for trial, job, outcome in zip(batch, jobs, ended, strict=True):
                _tell(study, trial, job, outcome, session, metric)
    summary(outcomes)


def _check(section: dict[str, Any], metric: str, overrides: Sequence[Override]) -> None:
    for key, least in (("n_trials", 1), ("n_parallel", 1)):
        if section[key] < least:
            raise UserError(f"sweep.{key}={section[key]}; at least {least} is needed")
    for key, allowed in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        if section[key] not in allowed:
            raise UserError(f"sweep.{key}={section[key]}; allowed: {', '.join(allowed)}")
    if not overrides:
        raise UserError("sweep.search_space is empty; name keys and their values there or on the command line")
    keys = [override.get_key_element() for override in overrides]
    if metric == "val/loss" and (objective := changes_objective(keys)):
        raise UserError(
            f"the search varies {', '.join(objective)}, so val/loss is not one quantity; sweep.metric=val/mae is, for "
            "models that log it"
        )
    if not needs_labels(metric) and (inputs := changes_input(keys)):
        raise UserError(
            f"the search varies {', '.join(inputs)}, so {metric} is not one quantity; fix it, or make one search for "
            "each of its values"
        )
    if section["pruner"] != "none" and not metric.startswith("val/"):
        raise UserError(f"sweep.pruner={section['pruner']} needs a metric of every epoch, not {metric}")


def _next_trials(study: "Study", space: dict[str, Any], n_trials: int, n_parallel: int) -> list["Trial"]:
    """The trials to run now: those left running by a command that was stopped, then new ones."""
    from optuna.trial import Trial, TrialState

    left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    batch = [Trial(study, trial._trial_id) for trial in left[:n_parallel]]
    room = min(n_parallel - len(batch), n_trials - len(study.trials))
    return batch + [study.ask(space) for _ in range(room)]


def _job(session: Session, trial: "Trial") -> Job:
    settings = {key: repr(value) if isinstance(value, float) else str(value) for key, value in trial.params.items()}
    return session.job(f"trial-{trial.number:03}", settings, [f"sweep.trial={trial.number}"])


def _tell(study: "Study", trial: "Trial", job: Job, outcome: JobOutcome, session: Session, metric: str) -> None:
    result = read_result(job.run_dir, job.name, session.record)
    if outcome.status == "finished" and needs_labels(metric) and metric not in result.metrics:
        known = [name for name in result.metrics if name.startswith("test/auc/") and name.count("/") == 2]
        tell(study, trial, None, f"{metric} is not in metrics.json")
        raise UserError(f"sweep.metric={metric} is not among what a run measures; such as {', '.join(known)}")
    value = result.value(metric)
    tell(study, trial, value, outcome.reason or f"{metric} is not a finite number")
    state = study.trials[trial.number].state.name.lower()
    best = next((t for t in sorted(study.trials, key=lambda t: t.number) if t.number == _best(study)), None)
    shown = "" if value is None else f" {metric} {value:.5g}"
    record = "" if best is None else f"; best {best.value:.5g} (trial {best.number})"
    print(f"trial {trial.number} {state}:{shown}{record}", flush=True)


def _best(study: "Study") -> int | None:
    try:
        return int(study.best_trial.number)
    except ValueError:
        return None


def _history(study: "Study", metric: str, direction: str) -> list[tuple[str, bytes]]:
    from optuna.trial import TrialState

    from hepad.plots import figure_bytes, plot_search_history

    trials = sorted(study.trials, key=lambda trial: trial.number)
    values = [math.nan if trial.value is None else trial.value for trial in trials]
    if not any(map(math.isfinite, values)):
        return []
    stopped = [trial.state is TrialState.PRUNED for trial in trials]
    figure = plot_search_history(values, stopped, label=metric, minimize=direction == "minimize")
    return [(f"{metric} of every trial, and the best so far.", figure_bytes(figure))]


def _story(study: "Study") -> list[str]:
    from optuna.trial import TrialState

    counts = {state: sum(trial.state is state for trial in study.trials) for state in TrialState}
    said = []
    if pruned := counts[TrialState.PRUNED]:
        said.append(
            f"{pruned} of {len(study.trials)} trials were stopped early by the pruner; they are ranked all the same."
        )
    if failed := counts[TrialState.FAIL]:
        said.append(f"{failed} of {len(study.trials)} trials failed; the search took no value from them.")
    return said
