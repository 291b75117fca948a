"""The words of a command line: flags, the places where configs are looked for, and `KEY=VALUE`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from hepad.core.errors import UserError

MULTIRUN: Final = frozenset({"-m", "--multirun"})
_CONFIG_DIR: Final = ("--config-dir", "-cd")
_WITH_VALUE: Final = frozenset({"--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn"})
_SEARCH_PATH: Final = "hydra.searchpath"


@dataclass(frozen=True)
class CommandLine:
    """A command line, taken apart.

    Attributes:
        flags: Hydra's flags with their values, in an order that argparse takes: all before the first `KEY=VALUE`.
        words: everything else.
        searchpath: where configs are looked for beside hepad's own, as absolute `file://` and `pkg://` paths.
    """

    flags: tuple[str, ...]
    words: tuple[str, ...]
    searchpath: tuple[str, ...]

    @property
    def multirun(self) -> bool:
        """Whether a sweep is asked for."""
        return not MULTIRUN.isdisjoint(self.flags)

    def has(self, *flags: str) -> bool:
        """Whether one of `flags` is there."""
        return not set(flags).isdisjoint(self.flags)


def read_command_line(argv: Sequence[str]) -> CommandLine:
    """Take a command line apart. `--config-dir DIR` becomes a part of the search path, which jobs of a sweep inherit.

    Raises:
        UserError: `--config-dir` without a directory, or a search path that is no list of places that exist.

    >>> read_command_line(["loss=mse", "--cfg", "job", "-m"])
    CommandLine(flags=('--cfg', 'job', '-m'), words=('loss=mse',), searchpath=())
    """
    flags: list[str] = []
    words: list[str] = []
    directories: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in _CONFIG_DIR:
            directories.append(value if equals else rest.pop(0) if rest else "")
        elif word in _WITH_VALUE and rest:
            flags += [word, rest.pop(0)]
        elif word.startswith("-"):
            flags.append(word)
        elif name.lstrip("+") == _SEARCH_PATH:
            directories += _places(word)
        else:
            words.append(word)
    return CommandLine(tuple(flags), tuple(words), tuple(_place(directory) for directory in directories))


def _places(word: str) -> list[str]:
    try:
        value = OverridesParser.create().parse_override(word.lstrip("+")).value()
    except HydraException:
        value = None
    if not isinstance(value, list) or not all(isinstance(place, str) for place in value):
        raise UserError(f"{word}: a list of directories is needed, such as '{_SEARCH_PATH}=[my_configs]'")
    return value


def _place(given: str) -> str:
    if given.startswith("pkg://"):
        return given
    path = Path(given.removeprefix("file://")).expanduser().absolute()
    if not given or not path.is_dir():
        raise UserError(f"--config-dir {given}: no such directory; it holds your own model/, loss/, … with their YAML")
    return f"file://{path}"
