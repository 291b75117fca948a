"""Building objects from configs, restricted to the allow-list (`hepad.config.allow_list`)."""

import logging
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_class as hydra_get_class
from hydra.utils import instantiate as hydra_instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException

from hepad.config.allow_list import TRUST_VARIABLE, check_targets, shipped_targets, targets
from hepad.config.installed import installed_targets
from hepad.config.sections import Component
from hepad.core.errors import UserError

__all__ = [
    "REFUSALS",
    "TRUST_VARIABLE",
    "check_targets",
    "get_class",
    "instantiate",
    "refusal",
    "shipped_targets",
    "targets",
]

# What it would say of a class that it cannot import is said by `get_class`, in one line.
logging.getLogger("hydra.utils").addHandler(logging.NullHandler())

REFUSALS = (ValueError, TypeError, MisconfigurationException)
"""Exceptions of constructors for a value that they cannot take: here and in torch, `TypeError` for one of the wrong
type, in Lightning an exception of its own."""


def get_class(target: str) -> Any:
    """Return the class that a `_target_` names; the name must have been checked (`check_targets`).

    Raises:
        UserError: there is no such class.
    """
    try:
        return hydra_get_class(target)
    except (ImportError, ValueError) as error:
        cause = error.__cause__ or error
        option = installed_targets().get(target)
        remedy = (
            "its package must be installed in this environment, or its directory in PYTHONPATH"
            if option is None
            else f"it is the {option.group} {option.name} of the installed package {option.package}; mend that one, or "
            "install what it needs"
        )
        raise UserError(f"_target_ {target!r} cannot be imported ({refusal(cause)}); {remedy}") from error


def instantiate(config: Any, **arguments: Any) -> Any:
    """Build what `config` describes, with plain lists and dicts as arguments; `arguments` are added as they are.

    Raises:
        UserError: a `_target_` that is not allowed, or a value that its constructor refuses.
    """
    check_targets(config)
    if isinstance(config, Component):
        config = config.plain()
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
