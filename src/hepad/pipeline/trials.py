"""Trials of a search: the space of settings, and an Optuna study in a sweep's directory."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from hepad.core.errors import UserError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage
    from optuna.study import Study
    from optuna.trial import Trial

SAMPLERS: Final = ("tpe", "random", "qmc")
PRUNERS: Final = ("none", "median", "hyperband")
JOURNAL: Final = "optuna.journal"
NAME: Final = "hepad"


def require_optuna() -> None:
    """Raise `UserError` where Optuna is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise UserError('sweep=optuna needs Optuna: pip install "hepad[sweeps]"') from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def storage(directory: Path) -> "JournalStorage":
    """The journal in a sweep's directory: a plain file that several processes may write to."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(directory / JOURNAL)))


def open_study(directory: Path, section: dict[str, Any], metric: str, space: dict[str, "BaseDistribution"]) -> "Study":
    """Make or continue the study of a sweep.

    Args:
        directory: the sweep's; it must exist.
        section: the section `sweep` of the config.
        metric: what is optimised.
        space: key → distribution.

    Raises:
        UserError: the study there has another metric, direction or space.
    """
    import optuna
    from optuna.distributions import distribution_to_json

    aim = {
        "metric": metric,
        "direction": section["direction"],
        "space": {key: distribution_to_json(distribution) for key, distribution in sorted(space.items())},
    }
    study = optuna.create_study(
        storage=storage(directory),
        study_name=NAME,
        direction=section["direction"] if not (directory / JOURNAL).exists() else None,
        load_if_exists=True,
        pruner=make_pruner(section["pruner"]),
    )
    begun = study.user_attrs.get("aim")
    if begun is None:
        study.set_user_attr("aim", aim)
    elif begun != aim:
        changed = next(key for key in aim if begun.get(key) != aim[key])
        raise UserError(f"the search in {directory} was begun with another {changed}; choose another sweep.name")
    # Random numbers start anew with the process: without the count a continued search would repeat itself.
    study.sampler = make_sampler(section["sampler"], section["seed"] + len(study.trials))
    return study


def make_sampler(name: str, seed: int) -> "BaseSampler":
    """The sampler of a name in `SAMPLERS`."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import QMCSampler, RandomSampler, TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if name == "qmc":
            return QMCSampler(seed=seed, scramble=True)
        # Trials that run at the same time should not be told the same.
        return TPESampler(seed=seed, constant_liar=True) if name == "tpe" else RandomSampler(seed=seed)


def make_pruner(name: str) -> "BasePruner":
    """The pruner of a name in `PRUNERS`."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=5)
    return HyperbandPruner() if name == "hyperband" else NopPruner()


def tell(study: "Study", trial: "Trial", value: float | None, reason: str) -> None:
    """Close a trial: complete with a finite value, pruned where its run was stopped, else failed for `reason`."""
    from optuna.trial import TrialState

    # Not of `trial`, which knows only what this process told it.
    if study.get_trials(deepcopy=False)[trial.number].user_attrs.get("pruned"):
        study.tell(trial.number, state=TrialState.PRUNED)
    elif value is not None and math.isfinite(value):
        study.tell(trial.number, value)
    else:
        trial.set_user_attr("reason", reason)
        study.tell(trial.number, state=TrialState.FAIL)


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def parse_space(space: Mapping[str, str]) -> list[Override]:
    """The overrides of a space that is declared in YAML, key → values.

    Raises:
        UserError: something that is not a sweep.
    """
    overrides = []
    for key, values in space.items():
        try:
            override = OverridesParser.create().parse_override(f"{key}={values}")
        except HydraException as error:
            raise UserError(
                f"sweep.search_space.{key}: cannot read {values!r}; write choice(a,b), range(1,9) or interval(0.1,1)"
            ) from error
        if not override.is_sweep_override():
            raise UserError(
                f"sweep.search_space.{key}: {values!r} is a single value; write choice(a,b), range(1,9) or "
                "interval(0.1,1)"
            )
        overrides.append(override)
    return overrides


def distributions(overrides: Sequence[Override]) -> dict[str, "BaseDistribution"]:
    """Optuna's distribution of each key: intervals are continuous, integer ranges stepped, all else categorical.

    `tag(log, interval(a, b))` is uniform in the logarithm; `int(interval(a, b))` gives whole numbers.

    Raises:
        UserError: an interval that is empty, or logarithmic and not positive.
    """
    return {override.get_key_element(): _distribution(override) for override in overrides}


def example(override: Override) -> str:
    """One value of an override's space, as on the command line."""
    values = override.value()
    if isinstance(values, IntervalSweep):
        return str(values.start)
    return str(next(iter(override.sweep_string_iterator())))


def _distribution(override: Override) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    values: Any = override.value()
    if isinstance(values, IntervalSweep):
        kind = IntDistribution if isinstance(values.start, int) and isinstance(values.end, int) else FloatDistribution
        try:
            return kind(values.start, values.end, log="log" in values.tags)  # type: ignore[arg-type]
        except ValueError as error:
            raise UserError(f"{override.input_line}: {error}") from error
    numbers = values.range() if isinstance(values, RangeSweep) else None
    if isinstance(numbers, range) and numbers:
        low, high = min(numbers[0], numbers[-1]), max(numbers[0], numbers[-1])
        return IntDistribution(low, high, step=abs(numbers.step))
    words = list(override.sweep_string_iterator())
    if not words:
        raise UserError(f"{override.input_line}: there are no values in it")
    return CategoricalDistribution(words)
