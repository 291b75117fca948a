"""Parts of configs remembered: every command composes its config three times or more, of the same thirty files.

Remembered is which of hepad's own files the groups of a command line choose, and what these hold together; its other
words are applied anew each time. Where a directory of the user's is searched too, Hydra does all of it.
"""

import copy
import pickle
from functools import cache
from pathlib import Path
from typing import IO, Any

import yaml
from hydra._internal import config_loader_impl
from hydra._internal import defaults_list as hydra_defaults
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf._utils import get_yaml_loader

from hepad.config import config_dir

_load = OmegaConf.load
_create_defaults_list = config_loader_impl.create_defaults_list
_choices = hydra_defaults._create_interpolation_map
_compose = ConfigLoaderImpl._compose_config_from_defaults_list

_CONFIGS = config_dir()
_lists: dict[tuple[Any, ...], DefaultsList] = {}
_composed: dict[int, bytes | DictConfig | None] = {}
"""`id` of a list in `_lists`, which stays → what it makes, pickled: a sixth of the time of a deep copy."""


@cache
def _parsed(text: str) -> bytes | None:
    found = yaml.load(text, Loader=get_yaml_loader())
    return pickle.dumps(OmegaConf.create(found)) if isinstance(found, dict | list) else None


def _load_with_memory(file: str | IO[str]) -> DictConfig | ListConfig:
    """Return what `OmegaConf.load` does."""
    if not hasattr(file, "read"):
        return _load(file)
    try:
        found = _parsed(file.read())
    except yaml.YAMLError:
        # Its message names the file.
        found = None
    if found is None:
        file.seek(0)
        return _load(file)
    config: DictConfig | ListConfig = pickle.loads(found)
    return config


def _list_with_memory(
    repo: CachingConfigRepository,
    config_name: str | None,
    overrides_list: list[Override],
    prepend_hydra: bool,
    skip_missing: bool,
) -> DefaultsList:
    """Return what Hydra's `create_defaults_list` does."""
    sources = [(source.scheme(), source.path) for source in repo.get_sources()]
    if any(scheme == "file" and Path(path) != _CONFIGS for scheme, path in sources):
        return _create_defaults_list(repo, config_name, overrides_list, prepend_hydra, skip_missing)
    given = Overrides(repo=repo, overrides_list=overrides_list)
    groups = repr((given.override_choices, given.append_group_defaults, given.deletions))
    key = (*sources, config_name, groups, prepend_hydra, skip_missing)
    if key not in _lists:
        _lists[key] = _create_defaults_list(repo, config_name, overrides_list, prepend_hydra, skip_missing)
        _composed[id(_lists[key].defaults)] = None
    found = copy.copy(_lists[key])
    found.config_overrides = given.config_overrides
    return found


def _choices_where_asked(overrides: Overrides, defaults_list: list[InputDefault], self_added: bool) -> DictConfig:
    """Return what names in a list of defaults may refer to, where one does: a quarter of the time of composing."""
    asked = any(default.is_interpolation() for default in defaults_list)
    return _choices(overrides, defaults_list, self_added) if asked else DictConfig({})


def _compose_with_memory(
    self: ConfigLoaderImpl, defaults: list[ResultDefault], repo: CachingConfigRepository
) -> DictConfig:
    """Return what Hydra makes of a list of files: a copy for everyone."""
    if id(defaults) not in _composed:
        return _compose(self, defaults, repo)
    made = _composed[id(defaults)]
    if made is None:
        config = _compose(self, defaults, repo)
        # The time of day is another one each time.
        OmegaConf.clear_cache(config)
        made = _composed[id(defaults)] = _packed(config)
    return pickle.loads(made) if isinstance(made, bytes) else copy.deepcopy(made)


def _packed(config: DictConfig) -> bytes | DictConfig:
    try:
        return pickle.dumps(config)
    except pickle.PicklingError:
        # Hydra imports a plug-in's module anew when it looks for plug-ins, so that its dataclasses have a twin.
        return config


def _repository_of(self: CachingConfigRepository, delegate: Any) -> None:
    # Its sources are replaced, not changed: Hydra's deep copy takes longer than all else that is left.
    self.delegate = copy.copy(delegate)
    self.cache = {}


def remember_configs() -> None:
    """Let this process compose from memory, from now on."""
    OmegaConf.load = staticmethod(_load_with_memory)
    config_loader_impl.create_defaults_list = _list_with_memory
    hydra_defaults._create_interpolation_map = _choices_where_asked
    ConfigLoaderImpl._compose_config_from_defaults_list = _compose_with_memory
    CachingConfigRepository.__init__ = _repository_of
