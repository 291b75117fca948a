"""Building objects from configs, restricted to an allow-list of exact names.

A config file that came with somebody's checkpoint could name any callable (`os.system`, `torch.load`). So every
`_target_` is checked before anything is imported: it must appear in the configs that ship with hepad, or be named
by the user in the environment variable `HEPAD_TRUST`. Nothing inside a run's directory can add to the list.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate as hydra_instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, ListConfig, OmegaConf

from hepad.config import config_dir
from hepad.errors import UserError

TRUST_VARIABLE = "HEPAD_TRUST"

REFUSALS = (ValueError, TypeError, MisconfigurationException)
"""What constructors raise for a value that they cannot take: here and in torch, `TypeError` for one of the wrong type,
in Lightning an exception of its own."""


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
        if target not in shipped_targets() and target not in trusted:
            raise UserError(
                f"_target_ {target!r} is not one of hepad's; if you trust it, allow it with "
                f"{TRUST_VARIABLE}={target} in the environment"
            )


def instantiate(config: Any, **arguments: Any) -> Any:
    """Build what `config` describes, with plain lists and dicts as arguments; `arguments` are added as they are.

    Raises:
        UserError: a `_target_` that is not allowed, or a value that its constructor refuses.
    """
    check_targets(config)
    try:
        return hydra_instantiate(config, **arguments, _convert_="all")
    except InstantiationException as error:
        # Hydra wraps what a constructor raises; the words of the constructor are the ones for the user.
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from error
        if isinstance(error.__cause__, REFUSALS):
            target = str(config["_target_"]).rsplit(".", 1)[-1] if "_target_" in config else "config"
            raise UserError(f"{target}: {refusal(error.__cause__)}") from error
        raise


def refusal(error: BaseException) -> str:
    """Return what a constructor said, as one line."""
    return " ".join(str(error).split())


def targets(config: Any) -> Iterator[str]:
    """Yield every `_target_` in a config, at any depth."""
    if isinstance(config, DictConfig | ListConfig):
        config = OmegaConf.to_container(config, resolve=True)
    if isinstance(config, dict):
        if "_target_" in config:
            yield str(config["_target_"])
        for value in config.values():
            yield from targets(value)
    elif isinstance(config, list):
        for value in config:
            yield from targets(value)
