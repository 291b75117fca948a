"""config.yaml of a run: plain values, with the sections that a command needs."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from hepad.errors import UserError
from hepad.names import check_name
from hepad.rundir.parsing import read_yaml
from hepad.rundir.plain_values import Rule, fields, mapping, number, optional, shown, text

CONFIG: Final = "config.yaml"
_BYTES: Final = 1 << 20
_MISSING: Final = "???"

_anything: Final[Rule] = lambda value, where: None  # noqa: E731
_section: Final = mapping(_anything)
_built: Final = fields({"_target_": text(255)}, need=["_target_"])
_several: Final = mapping(optional(_built))

_CONFIG: Final = fields(
    {
        "model": _built,
        "data": _built,
        "optimizer": _built,
        "scheduler": optional(_section),
        "trainer": _built,
        "inference": optional(_section),
        "callbacks": _several,
        "logger": _several,
        "evaluation": _section,
        "paths": fields({"run": text(), "root": text()}),
        "seed": number(0, 2**31 - 1, whole=True),
        "sweep": _section,
    },
    need=["model"],
)
_ALL: Final = ("model", "data", "optimizer", "trainer", "callbacks", "logger", "evaluation", "paths", "seed")

SCORING: Final = ("model", "data")
"""Sections that scoring a file needs."""

EVALUATION: Final = ("model", "data", "trainer", "callbacks", "logger", "evaluation", "paths", "seed")
"""Sections that an evaluation needs."""

TRAINING: Final = _ALL
"""Sections that going on with a training needs."""


def has_config(run_dir: Path) -> bool:
    """Whether there is something under the name of a run's config: it is that which makes a directory a run."""
    return os.path.exists(run_dir / CONFIG)


def require_run(run_dir: Path) -> None:
    """Raise `UserError` where there is no run, in the same words for every command."""
    if not has_config(run_dir):
        raise UserError(f"{run_dir} is not a run: it has no {CONFIG}")


def read_config(run_dir: str | Path, need: Collection[str] = ("model",)) -> dict[str, Any]:
    """Return the config of a run as plain values.

    Args:
        run_dir: the run's directory.
        need: the sections that must be there.

    Raises:
        UserError: there is none, it is damaged, a section is missing or of another type, it holds an interpolation
            (a run keeps its config resolved), or a sample has a name that could lead out of a directory.
    """
    run_dir = Path(run_dir)
    require_run(run_dir)
    path = run_dir / CONFIG
    config = read_yaml(path, _BYTES)
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise UserError(f"{path} is not the config of a run: it has no section model")
    if missing := [section for section in need if config.get(section) is None]:
        raise UserError(f"{path} is not the whole config of a run: it has no {', '.join(missing)}")
    _CONFIG(config, str(path))
    _check_resolved(config, str(path))
    if isinstance(data := config.get("data"), dict):
        _check_samples(data, str(path))
    return config


def _check_samples(data: Mapping[str, Any], where: str) -> None:
    samples = data.get("samples", {})
    mapping(optional(text()), most=1_000)(samples, f"{where}: data.samples")
    for name in samples:
        check_name(f"{where}: data.samples.{shown(name)}", name)
    if (background := data.get("background")) is not None:
        text(64)(background, f"{where}: data.background")
        check_name(f"{where}: data.background={shown(background)}", background)


def _check_resolved(node: Any, where: str) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            _check_resolved(value, f"{where}: {shown(key)}")
    elif isinstance(node, list):
        for value in node:
            _check_resolved(value, where)
    elif isinstance(node, str) and ("${" in node or node == _MISSING):
        raise UserError(f"{where}={shown(node)}: the config of a run holds values, not references to others")
