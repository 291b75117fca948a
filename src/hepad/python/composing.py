"""The config of a run from settings given in Python, checked as the command line checks its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hepad.checks.before_torch import check_command
from hepad.cli.words import quote_values
from hepad.config import RunConfig, compose
from hepad.config.explanations import check_chosen, check_chosen_words, explain_config_error
from hepad.core.errors import UserError
from hepad.core.names import check_paths
from hepad.rundir.locking import claim_directory

_RUN_DIR: Final = "hydra.run.dir"


def compose_training(words: Sequence[str]) -> DictConfig:
    """Return the config of a training with Hydra's own section, of words `KEY=VALUE`.

    Raises:
        UserError: a word that cannot be read, or a key, an option or a value that there is not.
    """
    try:
        check_chosen_words(words)
        check_paths(words)
        read = quote_values(words, "train", multirun=False)
        cfg = compose("train", read, with_hydra=True)
        check_chosen(cfg.hydra.runtime.choices)
    except UserError:
        raise
    except Exception as error:
        raise UserError(explain_config_error(error, "train", list(words))) from error
    return cfg


@contextmanager
def as_command(cfg: DictConfig) -> Iterator[None]:
    """Let Hydra's own section be that of `cfg` in this block: what a run writes of its command is read there."""
    holder = HydraConfig.instance()
    before = holder.cfg
    holder.set_config(cfg)
    try:
        yield
    finally:
        holder.cfg = before


def run_directory(cfg: DictConfig, given: str | Path | None) -> Path:
    """Return the directory of a run: the one given, else a new one of the default name; within `as_command`.

    Raises:
        UserError: the default one cannot be made.
    """
    if given is not None:
        return Path(given).expanduser().absolute()
    wanted = Path(str(cfg.hydra.run.dir)).expanduser().absolute()
    if any(str(word).lstrip("+").startswith(f"{_RUN_DIR}=") for word in cfg.hydra.overrides.hydra):
        return wanted
    try:
        return claim_directory(wanted)
    except OSError as error:
        raise UserError(f"cannot create the run directory {wanted}: {error.strerror}; give run_dir=DIR") from error


def checked_config(cfg: DictConfig, objects: Mapping[str, Mapping[str, Any]], run_dir: Path) -> RunConfig:
    """Return the config of a run in its directory, all that can be checked before torch is imported checked.

    Args:
        cfg: composed by `compose_training`.
        objects: key → the config that stands for an object.
        run_dir: the run's directory.

    Raises:
        UserError: a value, or two together, that cannot be used.
    """
    words = [str(word) for word in cfg.hydra.overrides.task]
    with read_write(cfg), open_dict(cfg):
        cfg.pop("hydra")
        for key, value in objects.items():
            OmegaConf.update(cfg, key, OmegaConf.create(dict(value)), merge=False, force_add=True)
    check_command(cfg, "train", words)
    return RunConfig.of(cfg, {"paths.run": str(run_dir)})
