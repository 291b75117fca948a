"""A search space in Hydra's sweep syntax, as Optuna's distributions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from hepad.core.errors import UserError

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
