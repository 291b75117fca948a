"""The jobs of a sweep, before they run: their words, directories and configs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write


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
