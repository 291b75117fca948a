"""Turn a bad command line, or a package's option that cannot be used, into one line that names what would be right."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hepad.config import compose, config_dir, config_dirs
from hepad.config.composing import running_searchpath
from hepad.config.installed import ENTRY_POINTS, installed_config_dirs, installed_options
from hepad.config.keys import check_config, find_kind, is_foreign
from hepad.config.keys.kinds import shown
from hepad.core.errors import UserError

_SHOWN: Final = 30
_GROUPS: Final = ("loss", "experiment", "debug")
"""Groups of a training whose names are no keys."""
_EXTRAS: Final = {
    "hydra/launcher/slurm": "cluster",
    "hydra/launcher/slurm_local": "cluster",
    "hydra/launcher/submitit_slurm": "cluster",
    "hydra/launcher/submitit_local": "cluster",
}
"""Options that only a library of an extra brings."""
_NEEDED: Final = {bool: "true or false", int: "an integer", float: "a number", str: "a word", list: "a list [a,b,…]"}


def explain_config_error(error: Exception, config_name: str, overrides: Sequence[str]) -> str:
    """Return one line for what Hydra raised while composing `config_name` with `overrides`.

    An unknown key names the closest existing keys beside it, an unknown group option the options of that group.
    """
    text = str(error)
    if match := re.search(r"Could not find '([^']+)'\s*Available options in '([^']+)':\n(.*?)(?:\n\S|\Z)", text, re.S):
        path, group, listed = match.groups()
        if path in _EXTRAS:
            return (
                f'{group}={path.removeprefix(f"{group}/")} needs another library: pip install "hepad[{_EXTRAS[path]}]"'
            )
        options = [line.strip() for line in listed.splitlines() if line.strip() and ":" not in line]
        return f"{group}={path.removeprefix(f'{group}/')} does not exist; {_suggestion(path.split('/')[-1], options)}"
    if match := re.search(r"Could not load '([^']+)/([^'/]+)'", text):
        # One of several options of a group.
        group, name = match.groups()
        options = sorted({path.stem for place in config_dirs() for path in (place / group).glob("*.yaml")})
        return f"{group}={name} does not exist; {_suggestion(name, options)}"
    if match := re.search(r"LexerNoViableAltException: (.*)", text):
        return f"cannot read {match.group(1)!r}; put a value with special characters in quotes: 'KEY=\"VALUE\"'"
    if match := re.search(r"Error parsing override '(.*?)'\n", text):
        return f"cannot read {match.group(1).lstrip('+')!r}; write KEY=VALUE"
    if key := _unknown_key(text, [o for o in overrides if not _is_group_choice(o)]):
        try:
            config = compose(config_name, [o for o in overrides if _is_sound_group_choice(o)])
        except HydraException:
            # A group of another command.
            config = compose(config_name, [])
        return _explain_unknown_key(key, config)
    return text.splitlines()[0] if text else type(error).__name__


def check_values(config_name: str, overrides: Sequence[str], chosen: DictConfig | None = None) -> None:
    """Raise `UserError` for a value that is not of its key's type or out of its range (`hepad.config.keys`).

    A key without a row there, or of a user's own model, is compared with its default: a value of another type is
    refused; where the default is null, anything goes.

    Args:
        config_name: the command.
        overrides: its words.
        chosen: its config, composed with them and checked already; None to compose and check it here.
    """
    config = compose(config_name, overrides) if chosen is None else chosen
    if chosen is None:
        check_config(config, command=config_name)
    plain: Any = OmegaConf.to_container(config, resolve=False)
    foreign = [
        key
        for override in overrides
        if not override.startswith("~") and not _is_group_choice(override)
        for key in [override.lstrip("+").split("=", 1)[0]]
        # Hydra checks its own.
        if not key.startswith("hydra.")
        and (find_kind(key.split("."), config_name) is None or is_foreign(plain, key.split(".")))
    ]
    if not foreign:
        return
    default: Any = OmegaConf.to_container(
        compose(config_name, [override for override in overrides if _is_group_choice(override)]), resolve=False
    )
    for key in foreign:
        for path, value in _leaves(_select(plain, key), key):
            if find_kind(path.split("."), config_name) is None or is_foreign(plain, path.split(".")):
                _check_type(path, value, _select(default, path))


def _check_type(key: str, value: Any, default: Any) -> None:
    if default is None or isinstance(default, dict) or (isinstance(default, str) and "${" in default):
        return
    if value is None and isinstance(default, str):
        return
    kind = type(default)
    fits = isinstance(value, int | float) and not isinstance(value, bool) if kind is float else type(value) is kind
    if not fits:
        raise UserError(f"{key}={shown(value)}: {_NEEDED[kind]} is needed, such as {shown(default)}")


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
    return "=" in override and bool(group) and "." not in group and _is_group(group)


def _is_sound_group_choice(override: str) -> bool:
    group, _, option = override.lstrip("+~").partition("=")
    return _is_group_choice(override) and option in _options(group)


def _is_group(group: str) -> bool:
    return any((directory / group).is_dir() for directory in config_dirs())


def _options(group: str) -> list[str]:
    """The options of a group, in hepad's directory of configs and in the user's own."""
    return sorted({path.stem for directory in config_dirs() for path in (directory / group).glob("*.yaml")})


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
            if depth == 0 and _is_group(part):
                sections = (str(name) for name in node if OmegaConf.is_dict(node._get_node(name)))
                homes = (f"{name}.{part}" for name in sections if OmegaConf.select(node, f"{name}.{part}") is not None)
                home = next(homes, None)
                if home is not None and len(parts) > 1:
                    return f"no key {key!r}: the settings of {part} are under {home}, e.g. {home}.{'.'.join(parts[1:])}"
                return f"this command takes no {part}; {_suggestion(part, sorted(str(k) for k in node))}"
            if depth == 1 and not parent and _is_group(parts[0]):
                others = ", ".join(_options(parts[0]))
                return f"{parts[0]} as it is chosen has no key {part!r}; another option of {parts[0]} may: {others}"
            place = f"in {'.'.join(parts[:depth])}" if depth else "in the config"
            known = {str(key) for key in parent} | (set(_GROUPS) if depth == 0 and "trainer" in parent else set())
            return f"no key {part!r} {place}; {_suggestion(part, sorted(known - {'_target_', '_partial_'}))}"
    return f"{key} cannot take this value"


def _suggestion(wanted: str, options: Sequence[str]) -> str:
    close = difflib.get_close_matches(wanted, options, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}{'A' if hint else 'a'}llowed: {', '.join(sorted(options)[:_SHOWN])}"


def check_chosen_words(words: Sequence[str]) -> None:
    """Raise `UserError` for a word of the command line, such as `model=mine`, that chooses an option without use."""
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        for name in re.findall(r"[\w.-]+", value):
            check_chosen({key.partition("@")[0]: name})


def check_chosen(choices: Mapping[str, str | None]) -> None:
    """Raise `UserError` for an option that an installed package brings without its YAML, or that several bring.

    Args:
        choices: group → its option, also of other groups than those of entry points.
    """
    for group in ENTRY_POINTS:
        name = choices.get(group)
        options = [option for option in installed_options() if (option.group, option.name) == (group, name)]
        if not options or _is_in(running_searchpath(), group, str(name)):
            continue
        packages = sorted({option.package for option in options})
        if (config_dir() / group / f"{name}.yaml").is_file():
            raise UserError(
                f"{group}={name}: that is one of hepad's own, and the name of one in {' and '.join(packages)} too; "
                f"rename its entry point, or pip uninstall {packages[0]}"
            )
        if len(packages) > 1:
            raise UserError(
                f"{group}={name}: {' and '.join(packages)} both bring one of this name; rename an entry point, "
                f"or pip uninstall {packages[-1]}"
            )
        if options[0].problem:
            raise UserError(f"{group}={name}: {options[0].problem}")


def _is_in(searchpath: Sequence[str], group: str, name: str) -> bool:
    """Return whether a directory that the user names has the option, which then is the one that is meant."""
    # The processes of a sweep are told the directories of installed packages by it.
    places = {Path(place.removeprefix("file://")) for place in searchpath} - set(installed_config_dirs())
    return any((place / group / f"{name}.yaml").is_file() for place in places)
