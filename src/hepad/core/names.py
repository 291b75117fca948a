"""Names and paths that a user may give to what hepad writes, numbers of things in words, and commands to paste."""

import hashlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError

NAME_PATTERN: Final = r"^(?!\.+$)[A-Za-z0-9._-]{1,64}$"
"""Names that `is_name` takes, as a regular expression that other languages read too."""

_PATHS: Final = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "paths.root", "paths.run")


def is_name(name: str) -> bool:
    """Return whether `name` may name a directory: 1 to 64 letters, digits, `.`, `_` and `-`, and not only dots."""
    return re.fullmatch(NAME_PATTERN, name) is not None


def check_name(what: str, name: str) -> None:
    """Raise `UserError` for what is no name; `what` is the beginning of its line."""
    if not is_name(name):
        raise UserError(f"{what}: 1 to 64 letters, digits, '.', '_' and '-' are allowed")


def file_name(text: str) -> str:
    """Return the name of a file, without directory and suffix, for a sample, a feature or anything else with a name.

    A text that is a name already stays as it is. Otherwise every character that is not allowed becomes `_`, and eight
    digits of a hash keep two texts apart; nothing leads out of the directory it is put in.

    >>> file_name("zero_bias")
    'zero_bias'
    >>> file_name("../../escape/evil")
    '_.._escape_evil-b21dddbd'
    """
    if is_name(text) and not text.startswith("."):
        return text
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".")
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:55] or '_'}-{digest}"


def check_paths(words: Iterable[str]) -> None:
    """Raise `UserError` for a word that puts a run or a sweep into a path with `..`: relative ones stay below here.

    Looked for in the words and not in the config: Hydra makes the directory before anybody sees the config.
    """
    for word in words:
        key, _, value = word.lstrip("+").partition("=")
        if key in _PATHS and ".." in re.split(r"[^\w.-]", value):
            raise UserError(f"{word}: no '..' in the directory of a run or a sweep; one elsewhere is named from / on")


def python_command() -> str:
    """Return how to call the Python that runs hepad: `python` where that is it, else its path.

    After `make train` nothing is active, and the `python` of the terminal knows no hepad.
    """
    found = shutil.which("python")
    if found is not None and os.path.abspath(found) == os.path.abspath(sys.executable):
        return "python"
    path, here = Path(sys.executable), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return shlex.quote(str(shown))


def counted(number: int, noun: str) -> str:
    """`1 run`, `2 runs`, `1,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
