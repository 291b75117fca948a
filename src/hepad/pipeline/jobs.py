"""Jobs of a sweep before they run: names, words, directories, configs, and checks of them all."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hepad.checks.before_torch import check_command
from hepad.config import RunConfig, quoted
from hepad.core.names import is_name


@dataclass(frozen=True)
class Job:
    """One run of a sweep.

    Args:
        name: the name of its directory.
        settings: what is swept, key → value as it stands on the command line.
        words: all words of its command.
        run_dir: its directory.
        config: its resolved config, as plain values.
    """

    name: str
    settings: Mapping[str, str]
    words: Sequence[str]
    run_dir: Path
    config: Mapping[str, Any]


def compose_job(
    loader: ConfigLoader, master: DictConfig, name: str, settings: Mapping[str, str], words: Sequence[str]
) -> Job:
    """Compose the config that a job will have, in the directory that it will have.

    Raises:
        HydraException, OmegaConfBaseException: the words do not fit the configs.
    """
    config = loader.load_sweep_config(master, list(words))
    with _as_running(config) as run_dir:
        plain = OmegaConf.to_container(_without_hydra(config), resolve=True)
    assert isinstance(plain, dict)
    return Job(name, dict(settings), list(words), run_dir, {str(key): value for key, value in plain.items()})


@contextmanager
def _as_running(config: DictConfig) -> Iterator[Path]:
    """Let `${hydra:…}` be what it will be for the job; yields the job's directory."""
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        run_dir = (Path(str(config.hydra.sweep.dir)) / str(config.hydra.sweep.subdir)).absolute()
        with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
            config.hydra.runtime.output_dir = str(run_dir)
        HydraConfig.instance().set_config(config)
        yield run_dir
    finally:
        HydraConfig.instance().cfg = before


def _without_hydra(config: DictConfig) -> DictConfig:
    shown = config.copy()
    with read_write(shown), open_dict(shown):
        del shown["hydra"]
    return shown


_LONGEST: Final = 64
# Settings of the summary, or of how long to go on: they do not make it another sweep.
_NOT_THE_SWEEP: Final = ("sweep.name", "sweep.metric", "sweep.direction", "sweep.use_signals", "sweep.n_trials")


def job_name(settings: Mapping[str, str]) -> str:
    """The name of a job's directory from what is swept, in the order of the keys.

    Brackets, quotes and blanks are left out and a comma becomes `_`; where any other character has to be replaced,
    or the name would be too long, eight digits of a hash keep it unique.

    >>> job_name({"seed": "1", "loss": "huber", "model.hidden": "[16,8]"})
    'loss.huber-model.hidden.16_8-seed.1'
    """
    if not settings:
        return "run"
    plain = "-".join(f"{key}.{value}" for key, value in sorted(settings.items()))
    bare = re.sub(r"[\[\]'\" ]", "", plain).replace(",", "_")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", bare)
    if name == bare and len(name) <= _LONGEST and is_name(name):
        return name
    return f"{name[: _LONGEST - 9]}-{_digest(plain)}"


def sweep_name(swept: Iterable[str], words: Iterable[str]) -> str:
    """The name of a sweep from what is swept and a hash of all words of the command, whatever their order.

    >>> sweep_name(["model", "optimizer.lr"], ["model=vae,dense_ae", "optimizer.lr=1e-3,1e-4"])
    'lr-model_e7b9a5cd'
    """
    counted = sorted(word for word in words if word.split("=", 1)[0] not in _NOT_THE_SWEEP)
    short = sorted({re.sub(r"[^A-Za-z0-9_]", "_", key.rsplit(".", 1)[-1]) for key in swept})
    return f"{'-'.join(short)[:40] or 'sweep'}_{_digest(chr(10).join(counted))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


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


def as_sweep(cfg: RunConfig, directory: Path, command: str | None = None) -> DictConfig:
    """Return the config of a sweep in `directory`; its jobs know all else from their config.yaml.

    With a `command` that is theirs.
    """
    running: Any = HydraConfig.instance().cfg
    hydra = running.hydra.copy()
    given = [str(word) for word in hydra.overrides.hydra]
    kept = [word for word in given if not word.lstrip("+").startswith(("hydra.mode=", "hydra.run.", "hydra.sweep."))]
    with read_write(hydra), open_dict(hydra):
        hydra.sweep.dir = str(directory)
        hydra.job.config_name = command or hydra.job.config_name
        hydra.overrides.hydra = [*kept, f"hydra.sweep.dir={quoted(str(directory))}", "hydra.mode=MULTIRUN"]
        hydra.overrides.task = []
    config = OmegaConf.create(cfg.plain())
    config.hydra = hydra
    return config
