"""The list of what a config may build: exact names, checked before anything is imported.

A config file that came with somebody's checkpoint could name any callable (`os.system`, `torch.load`). So every
`_target_` must appear in the configs that ship with hepad, be the entry point of a package that the user has installed
(`hepad.config.installed`), be given as an object in Python (`hepad.config.held_objects`), or be named by the user
in the environment variable `HEPAD_TRUST`. Nothing inside a run's directory, and nothing in a directory of configs, can
add to the list.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from hepad.config import config_dir
from hepad.config.held_objects import is_given
from hepad.config.installed import installed_targets
from hepad.core.errors import UserError

TRUST_VARIABLE = "HEPAD_TRUST"


@cache
def shipped_targets() -> frozenset[str]:
    """Return every `_target_` named in the configs that ship with hepad."""
    names: set[str] = set()
    for path in config_dir().rglob("*.yaml"):
        names.update(re.findall(r"_target_:\s*([A-Za-z_][\w.]*)", path.read_text(encoding="utf-8")))
    return frozenset(names)


def check_targets(config: Any) -> None:
    """Raise `UserError` where `config` names a `_target_` that is not allowed."""
    trusted = set(re.findall(r"[\w.]+", os.environ.get(TRUST_VARIABLE, "")))
    for target in targets(config):
        ours = target in shipped_targets() or target in installed_targets()
        if not ours and target not in trusted and not is_given(target):
            every = ",".join(sorted({*trusted, target}))
            top = target.partition(".")[0]
            near = [option for option in installed_targets().values() if option.target.partition(".")[0] == top]
            if near:
                raise UserError(
                    f"_target_ {target!r} is not an entry point of {near[0].package}; those are "
                    f"{', '.join(option.target for option in near)}; if it is to be built too: "
                    f"export {TRUST_VARIABLE}={every}"
                )
            raise UserError(
                f"_target_ {target!r} is not one of hepad's, and could be any code; if you know it and trust it, "
                f"say so in the environment: export {TRUST_VARIABLE}={every}"
            )


def targets(config: Any) -> Iterator[str]:
    """Yield every `_target_` in a config, at any depth."""
    if isinstance(config, DictConfig | ListConfig):
        config = OmegaConf.to_container(config, resolve=True)
    if isinstance(config, Mapping):
        if "_target_" in config:
            yield str(config["_target_"])
        for value in config.values():
            yield from targets(value)
    elif isinstance(config, list):
        for value in config:
            yield from targets(value)
