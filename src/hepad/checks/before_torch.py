"""Checks of a command line that need no tensor: they are done before torch is imported, which takes seconds."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from hepad.bundled import bundled_files
from hepad.checks.features import check_named_features
from hepad.checks.fitting import check_declared
from hepad.config import RunConfig
from hepad.config.allow_list import check_targets
from hepad.config.detectors import find_detector
from hepad.config.explanations import check_values
from hepad.config.keys import check_config, find_kind, leaves
from hepad.config.keys.compound import Either, FieldsOf, ListOf, MapOf
from hepad.config.keys.kinds import Text
from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.inputs import sample_files_by_part
from hepad.core.regions import parse_regions
from hepad.core.remote import is_remote
from hepad.core.roles import SIGNAL_SUFFIX, background_sample, check_folds, parse_contamination, parse_roles
from hepad.logging.extras import require_extras
from hepad.rundir.config_file import require_run

_BUILT: Final = ("data", "model", "optimizer", "scheduler", "trainer", "callbacks", "inference")


def check_command(cfg: DictConfig, command: str, words: Sequence[str]) -> None:
    """Check what a command was given: types and ranges of all values, names, and that files are there.

    Args:
        cfg: its composed config.
        command: its name.
        words: its `KEY=VALUE` words.

    Raises:
        UserError: something is wrong.
    """
    check_values(command, words, cfg)
    check_composed(cfg, command)


def check_composed(config: Any, command: str) -> None:
    """Check a config itself, without the words that made it; for the jobs of a sweep, before they start.

    Raises:
        UserError: something is wrong.
    """
    cfg = config if isinstance(config, DictConfig) else OmegaConf.create(dict(config))
    check_config(cfg, command=command)
    if "logger" in cfg:
        require_extras((cfg.logger or {}).values())
    if command not in ("train", "evaluate"):
        return
    for section in _BUILT:
        if section in cfg:
            check_targets(cfg[section])
    if command == "evaluate" and cfg.run is not None:
        require_run(Path(cfg.run).expanduser())
    for name, path in cfg.data.samples.items():
        if path is not None:
            sample_files_by_part(_plain(path), f"data.samples.{name}")
    if command == "train" and cfg.get("resume") is None:
        _check_training(cfg)


def resolve_paths(cfg: DictConfig, command: str, base: Path) -> None:
    """Make every path of a config absolute, as seen from `base`, where the user stands (`hydra.job.chdir`)."""
    plain: Any = OmegaConf.to_container(cfg, resolve=False)
    for path, value in leaves(plain, command):
        if isinstance(value, str) and "${" in value:
            continue
        absolute = _absolute(find_kind(path, command), value, base)
        if absolute != value:
            parent: Any = cfg
            for part in path[:-1]:
                parent = parent[part]
            parent[path[-1]] = absolute


def _absolute(kind: Any, value: Any, base: Path) -> Any:
    if isinstance(kind, Either):
        fitting = (part for part in kind.kinds if part.problem(value) is None)
        return _absolute(next(fitting, kind.kinds[0]), value, base)
    if isinstance(kind, Text) and kind.path and isinstance(value, str) and not is_remote(value):
        return os.path.normpath(base / Path(value).expanduser())
    if isinstance(kind, ListOf) and isinstance(value, list):
        return [_absolute(kind.item, part, base) for part in value]
    if isinstance(kind, FieldsOf) and isinstance(value, dict):
        return {name: _absolute(kind.fields.get(name), part, base) for name, part in value.items()}
    if isinstance(kind, MapOf) and isinstance(value, dict):
        return {name: _absolute(kind.item, part, base) for name, part in value.items()}
    return value


def working_directory() -> Path:
    """Return where the user stands, whatever directory Hydra has changed to."""
    return Path(str(HydraConfig.get().runtime.cwd))


def _check_training(cfg: DictConfig) -> None:
    """Check names of samples, regions and folds, and that files and runs that are named are there."""
    own = {str(name) for name, path in cfg.data.samples.items() if path is not None}
    left_out = {str(name) for name, path in cfg.data.samples.items() if path is None}
    known = own | ({*bundled_files()} - left_out if cfg.data.bundled else set())
    roles = parse_roles(_plain(cfg.data.get("train")), parse_regions(_plain(cfg.data.get("regions"))), known)
    background = background_sample(str(cfg.data.background), roles, known, bundled_files())
    parse_contamination(_plain(cfg.data.get("contamination")), background, known, roles)
    if cfg.data.get("fold") is not None:
        # Without one, the folds are those of a pipeline.
        check_folds(cfg.data.get("folds"), cfg.data.get("fold"))
    for name in cfg.evaluation.references or ():
        if name not in known and name.removesuffix(SIGNAL_SUFFIX) not in known:
            raise UserError(
                f"evaluation.references=[{','.join(cfg.evaluation.references)}]: {name} is not a sample; allowed: "
                f"{', '.join(sorted(known))}"
            )
    if (detector := cfg.model.get("detector")) is not None:
        find_detector(str(detector), cfg.model.get("parameters") or {})
    if (targets := cfg.data.get("targets")) is not None:
        require_file(targets, "data.targets")
    plain: Any = OmegaConf.to_container(cfg, resolve=False)
    for path, value in leaves(plain, "train"):
        kind = find_kind(path, "train")
        kind = kind.kinds[0] if isinstance(kind, Either) else kind
        if isinstance(kind, Text) and kind.run and isinstance(value, str) and "${" not in value:
            require_run(Path(value).expanduser())
    check_declared(RunConfig.of(cfg))
    check_named_features(_plain(cfg.data), background)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
