"""config.yaml of a run: which directory is a run, with which settings, and what two runs have in common."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hepad.config.keys import check_config, with_present_keys
from hepad.core.errors import UserError
from hepad.rundir.parsing import Rule, fields, mapping, optional, read_yaml, text

CONFIG: Final = "config.yaml"
_BYTES: Final = 1 << 20

RENAMED: Final = {
    "hepad.callbacks.LatentSearchInference": "hepad.inference.LatentSearchInference",
    "hepad.callbacks.pruning.pruning": "hepad.pipeline.pruning.pruning",
    "hepad.run.loggers.tensorboard_logger": "hepad.logging.loggers.tensorboard_logger",
    "hepad.run.loggers.wandb_logger": "hepad.logging.loggers.wandb_logger",
}
"""Name of a class or function in the config of an older run → its present name."""


def _anything(value: Any, where: str) -> None:
    """Allow every value."""


_built: Final[Rule] = fields({"_target_": text(255)}, need=["_target_"])
_named: Final[Rule] = fields({"_target_": text(255)})
_several: Final[Rule] = optional(mapping(optional(_built)))

# What every reader of a config looks at; all keys are checked where a run is loaded.
_CONFIG: Final[Rule] = fields(
    {
        "model": fields({"_target_": text(255), "loss": optional(_named)}),
        "data": optional(_named),
        "callbacks": _several,
        "logger": _several,
        "paths": optional(mapping(_anything)),
    },
    need=["model"],
)


def has_config(run_dir: Path) -> bool:
    """Return whether there is something under the name of a run's config: it is that which makes a directory a run."""
    return os.path.lexists(run_dir / CONFIG)


def require_run(run_dir: Path) -> None:
    """Raise `UserError` where there is no run, in the same words for every command."""
    if not has_config(run_dir):
        raise UserError(f"{run_dir} is not a run: it has no {CONFIG}")


def read_config(run_dir: str | Path) -> dict[str, Any]:
    """Return the config of a run as plain values, for whoever only tells what the run is.

    Raises:
        UserError: there is none, it is damaged, or a section that names a class is none.
    """
    run_dir = Path(run_dir)
    require_run(run_dir)
    path = run_dir / CONFIG
    config = read_yaml(path, _BYTES)
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise UserError(f"{path} is not the config of a run: it has no section model")
    _CONFIG(config, str(path))
    return with_present_keys(_present_names(config))


def read_checked_config(run_dir: str | Path) -> dict[str, Any]:
    """Return the config of a run, complete and each value of its key's type and range, for whoever builds from it.

    Raises:
        UserError: as `read_config`, or as `hepad.config.keys.check_config` says.
    """
    config = read_config(run_dir)
    check_config(config, str(Path(run_dir) / CONFIG))
    return config


def _present_names(node: Any) -> Any:
    """Return plain values of a config in which every `_target_` has its present name."""
    if isinstance(node, dict):
        named = {key: _present_names(value) for key, value in node.items()}
        target = named.get("_target_")
        return named | ({"_target_": RENAMED[target]} if isinstance(target, str) and target in RENAMED else {})
    return [_present_names(value) for value in node] if isinstance(node, list) else node


def moved_paths(node: Any, old: str, new: str) -> Any:
    """Return plain values of a config with the directory `old` replaced by `new` in every path."""
    if isinstance(node, dict):
        return {key: moved_paths(value, old, new) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [moved_paths(value, old, new) for value in node]
    if isinstance(node, str) and (node == old or node.startswith(f"{old}/")):
        return new + node[len(old) :]
    return node


_NO_MATTER: Final = (
    "paths",
    "logger",
    "sweep",
    "resume",
    "evaluation.plots",
    "evaluation.formats",
    "callbacks.progress",
)


def flat_settings(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return dotted key → value of a resolved config; an empty section is one value, `{}`."""
    if not isinstance(config, Mapping):
        return {prefix: config}
    if not config and prefix:
        return {prefix: {}}
    return {
        path: value
        for key, child in config.items()
        for path, value in flat_settings(child, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def changes_no_number(key: str) -> bool:
    """Return whether a setting says only where things go, or how they are shown."""
    return is_below(key, _NO_MATTER)


def is_below(key: str, sections: tuple[str, ...]) -> bool:
    """Return whether a key is one of `sections`, or in one of them."""
    return any(key == name or key.startswith(f"{name}.") for name in sections)
