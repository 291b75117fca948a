"""Turn what Hydra says of a bad command line into one line that names the allowed words."""

import difflib
import re
from collections.abc import Sequence

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hepad.config import compose

_SHOWN = 30


def explain_config_error(error: Exception, config_name: str, overrides: Sequence[str]) -> str:
    """Return one line for a `HydraException` or `OmegaConfBaseException` raised while composing.

    An unknown key names the closest existing keys beside it, an unknown group option the options of that group.
    """
    text = str(error)
    if options := _missing_option(text):
        return options
    bad = [o for o in overrides if _is_override(o) and not _is_group_choice(o)]
    if key := _unknown_key(text, bad):
        groups = [o for o in overrides if _is_group_choice(o)]
        return _explain_unknown_key(key, config_name, groups)
    cause = f" ({error.__cause__})" if isinstance(error.__cause__, OmegaConfBaseException) else ""
    return f"{text.replace('full_key:', 'at').splitlines()[0]}{cause if cause not in text else ''}"


def _missing_option(text: str) -> str | None:
    match = re.search(r"Could not find '([^']+)'\s*(?:Available options in '([^']+)':\s*(.*))?", text, re.DOTALL)
    if not match:
        match = re.search(r"In '[^']*': Could not find '([^']+)'(.*)", text, re.DOTALL)
        if not match:
            return None
    path, *rest = match.groups()
    if len(rest) == 2 and rest[0]:
        group, listed = rest
        options = [line.strip() for line in listed.splitlines() if line.strip()]
        wanted = path.removeprefix(f"{group}/")
        return f"{group}={wanted} does not exist; {_suggestion(wanted, options)}"
    return f"no config named {path}"


def _is_override(argument: str) -> bool:
    return "=" in argument and not argument.startswith("-")


def _is_group_choice(argument: str) -> bool:
    from hepad.config import config_dir

    group = argument.lstrip("+~").split("=", 1)[0].split("@", 1)[0]
    return "." not in group and (config_dir() / group).is_dir()


def _unknown_key(text: str, overrides: Sequence[str]) -> str | None:
    match = re.search(r"Could not override '([^']+)'", text) or re.search(r"full_key: (\S+)", text)
    if match:
        return match.group(1)
    match = re.search(r"Key '([^']+)' is not in struct", text)
    if match:
        return next((o.split("=")[0] for o in overrides if match.group(1) in o), match.group(1))
    match = re.search(r"Could not append to config", text)
    return None


def _explain_unknown_key(key: str, config_name: str, groups: Sequence[str]) -> str:
    try:
        node = compose(config_name, groups)
    except (HydraException, OmegaConfBaseException):
        node = compose(config_name)
    parts = key.lstrip("+~").split(".")
    for depth, part in enumerate(parts):
        parent = OmegaConf.select(node, ".".join(parts[:depth])) if depth else node
        if not isinstance(parent, DictConfig):
            return f"{'.'.join(parts[:depth])} is a single value and has no key {part!r}"
        if part not in parent:
            keys = sorted(str(k) for k in parent)
            place = f"in {'.'.join(parts[:depth])}" if depth else "in the config"
            return f"no key {part!r} {place}; {_suggestion(part, keys)}"
    return f"{key} cannot take this value"


def _suggestion(wanted: str, options: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, options, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    shown = ", ".join(sorted(options)[:_SHOWN])
    return f"{hint}{'A' if hint else 'a'}llowed: {shown}"
