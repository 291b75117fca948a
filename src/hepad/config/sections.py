"""The classes that each section of a config may name: a model where data belong is refused before it is built."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf

from hepad.config import config_dir
from hepad.config.allow_list import shipped_targets, targets
from hepad.config.installed import installed_targets
from hepad.core.errors import UserError

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
