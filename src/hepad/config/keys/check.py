"""The check of a config against the table of keys, on the command line and on load alike.

A key without a row is left alone: it belongs to a user's own model, which says itself what it takes.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hepad.config import config_dir
from hepad.config.allow_list import shipped_targets, targets
from hepad.config.installed import installed_targets
from hepad.config.keys.commands import COMMAND_KEYS
from hepad.config.keys.kinds import Kind, shown
from hepad.config.keys.run import REQUIRED, SECTIONS
from hepad.core.errors import UserError

Path = tuple[str, ...]

_BYTES_PER_WEIGHT: Final = 16
"""A weight, its gradient and the two moments of Adam, in float32."""

_LAYERS: Final = ("hidden", "generator", "discriminator", "phi", "rho")


def check_config(config: Any, origin: str = "", command: str = "train") -> None:
    """Raise `UserError` for the first value of a config that is not of its key's type or out of its range.

    Nothing is imported that takes long, and nothing is read: a config that passes may still name a file that is not
    there, or two values that do not go together.

    Args:
        config: a composed config, or what a run's config.yaml holds.
        origin: the file it comes from, for the message; empty for the command line.
        command: the command whose config it is. A config with an `origin` is that of a run and must be complete.

    >>> check_config({"optimizer": {"lr": "fast"}})
    Traceback (most recent call last):
    hepad.core.errors.UserError: optimizer.lr=fast: a positive number is needed
    """
    place = f"{origin}: " if origin else ""
    plain: Any = OmegaConf.to_container(config, resolve=False) if OmegaConf.is_config(config) else config
    if not isinstance(plain, Mapping):
        raise UserError(f"{place}it is not a config: keys with values are needed")
    for section in SECTIONS:
        if section in plain and not isinstance(plain[section], Mapping):
            raise UserError(f"{place}{section}={shown(plain[section])}: a section with keys of its own is needed")
    if origin:
        _check_complete(plain, place)
    for path, value in leaves(plain, command):
        if isinstance(value, str) and "${" in value:
            if origin:
                raise UserError(f"{place}{'.'.join(path)}={shown(value)}: a run's config holds values, no references")
            found, resolved = _resolved(config, path)
            # Of a sweep Hydra knows no directory before its jobs start.
            if not found or (resolved is None and _is_hydras(plain, value)):
                continue
            value = resolved
        kind = find_kind(path, command)
        if kind is None or is_foreign(plain, path):
            _check_plain(path, value, place)
        elif (problem := kind.problem(value)) is not None:
            raise UserError(f"{place}{'.'.join(path)}{problem.where}={shown(problem.value)}: {problem.said}")
    _check_weights(plain.get("model"), place)


def find_kind(path: Sequence[str], command: str = "train") -> Kind | None:
    """Return the kind of the values of a key; None for a key without a row."""
    table = COMMAND_KEYS[command]
    # A weighted sum may hold weighted sums.
    name = re.sub(r"(\.loss\.terms\.[^.]+(?=\.loss\.))+", "", ".".join(path))
    if name in table:
        return table[name]
    parts = name.split(".")
    for pattern, kind in table.items():
        wanted = pattern.split(".")
        if len(wanted) == len(parts) and all(w in ("*", p) for w, p in zip(wanted, parts, strict=True)):
            return kind
    return None


def is_foreign(config: Mapping[str, Any], path: Sequence[str]) -> bool:
    """Return whether a key belongs to a part that is not hepad's own, whose keys may mean anything; data never do.

    >>> loss = {"_target_": "hepad.losses.Huber", "delta": 1.0}
    >>> mine = {"model": {"_target_": "my.Model", "hidden": 3, "loss": loss}}
    >>> is_foreign(mine, ["model", "hidden"]), is_foreign(mine, ["model", "loss", "delta"])
    (True, False)
    """
    node: Any = config
    foreign = False
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, Mapping) else None
        target = node.get("_target_") if isinstance(node, Mapping) else None
        if isinstance(target, str) and part != "data":
            foreign = not target.startswith(("hepad.", "torch.", "lightning."))
    return foreign and path[-1] != "_target_"


def leaves(node: Any, command: str = "train", path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every key that has a row, or no keys of its own, with its value."""
    if path and find_kind(path, command) is not None:
        yield path, node
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield from leaves(value, command, (*path, str(name)))
    else:
        yield path, node


def _resolved(config: Any, path: Path) -> tuple[bool, Any]:
    """Return whether a reference leads to a value here, and that value; `evaluate` takes some from the run."""
    try:
        parent = config
        for part in path[:-1]:
            parent = parent[part]
        return True, parent[path[-1]]
    except OmegaConfBaseException:
        return False, None


def _is_hydras(config: Mapping[str, Any], value: Any) -> bool:
    """Return whether a reference leads, perhaps by way of others, to a value that Hydra fills in."""
    seen: set[str] = set()
    while isinstance(value, str) and value not in seen and (match := re.fullmatch(r"\$\{([\w.]+)\}", value)):
        seen.add(value)
        value = config
        for part in match.group(1).split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return isinstance(value, str) and value.startswith("${hydra:")


def _check_plain(path: Path, value: Any, place: str) -> None:
    """Raise `UserError` for a number that no model can use."""
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{place}{'.'.join(path)}={value}: a finite number is needed")


def _check_complete(config: Mapping[str, Any], place: str) -> None:
    for key in REQUIRED:
        node: Any = config
        for part in key.split("."):
            if not isinstance(node, Mapping) or part not in node:
                raise UserError(f"{place}{key} is missing; it is not the config of a run, or a part of it is lost")
            node = node[part]


def _check_weights(model: Any, place: str) -> None:
    """Raise `UserError` for layers between which more weights lie than this machine could train."""
    if not isinstance(model, Mapping):
        return
    largest = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _BYTES_PER_WEIGHT
    for key in _LAYERS:
        widths = model.get(key)
        if not isinstance(widths, list) or not all(isinstance(width, int) for width in widths):
            continue
        weights = sum(a * b for a, b in pairwise(widths))
        if weights > largest:
            raise UserError(
                f"{place}model.{key}={shown(widths)}: {weights:.1e} weights, of which {largest:.1e} at most can be "
                "trained in the memory of this machine; choose smaller widths"
            )


_SECTIONS: Final = ("model", "data", "optimizer", "scheduler", "trainer", "inference")


def check_sections(config: Mapping[str, Any]) -> None:
    """Raise `UserError` where a section of a config names something of another kind: a model where data belong."""
    for section in _SECTIONS:
        if config.get(section):
            check_section(section, config[section])
    for section in ("callbacks", "logger"):
        for entry in (config.get(section) or {}).values():
            if entry:
                check_section(section, entry)
    if config["model"].get("loss"):
        check_section("loss", config["model"]["loss"])
    _check_inner(config)


def _check_inner(config: Mapping[str, Any]) -> None:
    """Raise `UserError` for a `_target_` where nothing is built: Hydra would build it on the way to what holds it.

    Only losses are parts of something, of a model or a search, and may have losses as parts. What the user trusts or
    has installed may stand anywhere; a model builds its parts itself.
    """
    losses = targets_of("loss") | installed_targets("loss").keys()
    places = [(name, config.get(name)) for name in _SECTIONS if name != "model"]
    places.append(("model.loss", config["model"].get("loss")))
    for group in ("callbacks", "logger"):
        places += [(f"{group}.{name}", entry) for name, entry in (config.get(group) or {}).items()]
    for where, place in places:
        of_losses = where in ("inference", "model.loss")
        for target in (name for part in _parts(place) for name in targets(part)):
            ours = target in shipped_targets() or target in installed_targets()
            if ours and not (of_losses and target in losses):
                raise UserError(f"{where}: _target_={target} has no place inside it")


def _parts(place: Any) -> list[Any]:
    """Return the values of a section, or of one of its entries, without what it is itself."""
    if isinstance(place, DictConfig):
        place = OmegaConf.to_container(place, resolve=True)
    return [value for key, value in place.items() if key != "_target_"] if isinstance(place, Mapping) else []


def check_section(section: str, entry: Mapping[str, Any]) -> None:
    """Raise `UserError` where `entry` names a class, of hepad's or of an installed package, of another section."""
    target = str(entry.get("_target_"))
    allowed = targets_of(section) | installed_targets(section).keys()
    if target not in allowed and (target in shipped_targets() or target in installed_targets()):
        raise UserError(f"{section}._target_={target} does not belong there; one of {', '.join(sorted(allowed))} does")


@cache
def targets_of(section: str) -> frozenset[str]:
    """Return every `_target_` of the configs of a group; a sweep adds a callback."""
    directories = [config_dir() / group for group in ((section, "sweep") if section == "callbacks" else (section,))]
    texts = (path.read_text(encoding="utf-8") for directory in directories for path in directory.rglob("*.yaml"))
    return frozenset(name for text in texts for name in re.findall(r"_target_:\s*([A-Za-z_][\w.]*)", text))
