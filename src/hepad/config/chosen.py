"""Refuse an option of an installed package that cannot be used, in one line, before Hydra looks for it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hepad.config import config_dir
from hepad.config.composing import running_searchpath
from hepad.config.installed import ENTRY_POINTS, installed_config_dirs, installed_options
from hepad.core.errors import UserError


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
    """Whether a directory that the user names has the option, which then is the one that is meant."""
    # The processes of a sweep are told the directories of installed packages by it.
    places = {Path(place.removeprefix("file://")) for place in searchpath} - set(installed_config_dirs())
    return any((place / group / f"{name}.yaml").is_file() for place in places)
