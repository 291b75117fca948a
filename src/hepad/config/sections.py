"""The classes that each section of a config may name: a model where data belong is refused before it is built."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from hepad.config import config_dir
from hepad.config.allow_list import shipped_targets
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
