"""Checks of a sweep's values before anything heavy is imported, and before its first job starts."""

from collections.abc import Iterator, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf

from hepad.pipeline.jobs import compose_job
from hepad.run.early_checks import check_command


def check_swept_values(loader: ConfigLoader, master: DictConfig, words: Sequence[str]) -> None:
    """Raise `UserError` for a value of a sweep that its key cannot have; each value is tried with the words alone.

    Args:
        loader: composes the configs.
        master: the config of the command.
        words: all overrides, those that are swept among them.

    Raises:
        UserError: a value that does not fit, the first that is found.
        HydraException, OmegaConfBaseException: the words do not fit the configs.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(words))
    swept = {override.get_key_element(): override for override in overrides if override.is_sweep_override()}
    constant = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
    first = {key: value for key, override in swept.items() for value in list(_values(override))[:1]}
    command = str(master.hydra.job.config_name)
    # Without a sweep, the words alone.
    tried = [first | {key: value} for key, override in swept.items() for value in _values(override)] or [{}]
    for settings in tried:
        chosen = [*constant, *(f"{name}={setting}" for name, setting in settings.items()), "sweep.job=job"]
        config = OmegaConf.create(dict(compose_job(loader, master, "job", settings, chosen).config))
        check_command(config, command, chosen)


def _values(override: Override) -> Iterator[str]:
    """Yield the values of a sweep; of an interval its ends."""
    values = override.value()
    if isinstance(values, IntervalSweep):
        yield from (str(values.start), str(values.end))
    else:
        yield from override.sweep_string_iterator()
