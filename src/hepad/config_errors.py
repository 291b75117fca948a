"""Turn a bad command line into one line that names the allowed words."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hepad.config import compose, config_dir
from hepad.errors import UserError

_SHOWN: Final = 30
_NEEDED: Final = {bool: "true or false", int: "an integer", float: "a number", str: "a word", list: "a list [a,b,…]"}


def explain_config_error(error: Exception, config_name: str, overrides: Sequence[str]) -> str:
    """Return one line for what Hydra raised while composing `config_name` with `overrides`.

    An unknown key names the closest existing keys beside it, an unknown group option the options of that group.
    """
    text = str(error)
    if match := re.search(r"Could not find '([^']+)'\s*Available options in '([^']+)':\n(.*?)(?:\n\S|\Z)", text, re.S):
        path, group, listed = match.groups()
        options = [line.strip() for line in listed.splitlines() if line.strip() and ":" not in line]
        return f"{group}={path.removeprefix(f'{group}/')} does not exist; {_suggestion(path.split('/')[-1], options)}"
    if match := re.search(r"LexerNoViableAltException: (.*)", text):
        return f"cannot read {match.group(1)!r}; put a value with special characters in quotes: 'KEY=\"VALUE\"'"
    if match := re.search(r"Error parsing override '([^']*)'", text):
        return f"cannot read {match.group(1)!r}; write KEY=VALUE"
    if key := _unknown_key(text, [o for o in overrides if not _is_group_choice(o)]):
        try:
            config = compose(config_name, [o for o in overrides if _is_sound_group_choice(o)])
        except HydraException:
            # A group of another command.
            config = compose(config_name, [])
        return _explain_unknown_key(key, config)
    return text.splitlines()[0] if text else type(error).__name__


def check_values(config_name: str, overrides: Sequence[str]) -> None:
    """Raise `UserError` where an override gives a value of another type than the config's own.

    A key whose default is null takes anything.
    """
    groups = [o for o in overrides if _is_group_choice(o)]
    default, chosen = (
        OmegaConf.to_container(compose(config_name, words), resolve=False) for words in (groups, overrides)
    )
    for override in overrides:
        key = override.lstrip("+~").split("=", 1)[0]
        if override in groups or override.startswith("~"):
            continue
        for path, value in _leaves(_select(chosen, key), key):
            _check_value(path, value, _select(default, path))


def _check_value(key: str, value: Any, default: Any) -> None:
    if default is None or isinstance(default, dict) or (isinstance(default, str) and "${" in default):
        return
    if value is None and isinstance(default, str):
        return
    kind = type(default)
    fits = isinstance(value, int | float) and not isinstance(value, bool) if kind is float else type(value) is kind
    if not fits:
        raise UserError(f"{key}={value}: {_NEEDED[kind]} is needed, such as {default}")


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _leaves(value, f"{path}.{name}")
    else:
        yield path, node


def _select(node: Any, path: str) -> Any:
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _is_group_choice(override: str) -> bool:
    group = override.lstrip("+~").split("=", 1)[0].split("@", 1)[0]
    return "=" in override and bool(group) and "." not in group and (config_dir() / group).is_dir()


def _is_sound_group_choice(override: str) -> bool:
    group, _, option = override.lstrip("+~").partition("=")
    return _is_group_choice(override) and (config_dir() / group / f"{option}.yaml").is_file()


def _unknown_key(text: str, overrides: Sequence[str]) -> str | None:
    if match := re.search(r"Could not override '([^']+)'", text):
        return match.group(1)
    if match := re.search(r"Key '([^']+)' is not in struct", text):
        return next((o.split("=")[0] for o in overrides if match.group(1) in o), match.group(1))
    return None


def _explain_unknown_key(key: str, node: DictConfig) -> str:
    if key.startswith("hydra."):
        return f"no key {key!r}; the keys of Hydra itself are listed by --hydra-help"
    parts = key.lstrip("+~").split(".")
    for depth, part in enumerate(parts):
        parent = OmegaConf.select(node, ".".join(parts[:depth])) if depth else node
        if not isinstance(parent, DictConfig):
            return f"{'.'.join(parts[:depth])} is a single value and has no key {part!r}"
        if part not in parent:
            if depth == 0 and (config_dir() / part).is_dir():
                sections = (str(name) for name in node if OmegaConf.is_dict(node._get_node(name)))
                homes = (f"{name}.{part}" for name in sections if OmegaConf.select(node, f"{name}.{part}") is not None)
                home = next(homes, None)
                if home is not None and len(parts) > 1:
                    return f"no key {key!r}: the settings of {part} are under {home}, e.g. {home}.{'.'.join(parts[1:])}"
                return f"this command takes no {part}; {_suggestion(part, sorted(str(k) for k in node))}"
            if depth == 1 and not parent and (config_dir() / parts[0]).is_dir():
                others = ", ".join(sorted(path.stem for path in (config_dir() / parts[0]).glob("*.yaml")))
                return f"{parts[0]} as it is chosen has no key {part!r}; another option of {parts[0]} may: {others}"
            place = f"in {'.'.join(parts[:depth])}" if depth else "in the config"
            return f"no key {part!r} {place}; {_suggestion(part, sorted(str(k) for k in parent))}"
    return f"{key} cannot take this value"


def _suggestion(wanted: str, options: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, options, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}{'A' if hint else 'a'}llowed: {', '.join(sorted(options)[:_SHOWN])}"
