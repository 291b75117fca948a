"""Words of a command line: which flags are there, and values with quotes where Hydra's grammar needs them.

A path or a name may hold `=`, blanks, brackets and commas, and be a number to look at; the table of keys tells where
that is what was meant.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from hepad.config import quoted
from hepad.config.keys import find_kind, present_word
from hepad.config.keys.compound import ListOf, parts_of
from hepad.config.keys.kinds import Kind, Text
from hepad.config.keys.run import SAMPLE_FILES
from hepad.core.errors import UserError
from hepad.core.names import check_name, file_name, is_name

_QUOTES: Final = "'\""
_SAMPLES: Final = "data.samples."
_REGIONS: Final = "data.regions"
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|0|[1-9][0-9]*")
"""Names that Hydra takes as a part of a key."""


def quote_values(words: Sequence[str], command: str, multirun: bool) -> list[str]:
    """Return `words` as Hydra reads them the way they were meant.

    Raises:
        UserError: a word that cannot be read, a sample name that is none, or a list where one file belongs.
    """
    read: list[str] = []
    irregular: list[str] = []
    for word in (part for given in words for part in _single_samples(present_word(given))):
        key, equals, value = word.partition("=")
        if not equals:
            read.append(word)
        elif key.lstrip("+").startswith(_SAMPLES):
            name = key.lstrip("+").removeprefix(_SAMPLES)
            _check_sample_name(word, name)
            value = _value(key, value, SAMPLE_FILES, multirun)
            if _PLAIN_KEY.fullmatch(name):
                # Hydra wants `++` before a key that no config declares.
                read.append(f"++{_SAMPLES}{name}={value}")
            elif _parsed(f"x={value}")[1]:
                raise UserError(
                    f"{word}: files of a sample can be swept where its name has only letters, digits and '_'"
                )
            else:
                # Within braces more characters have a meaning.
                irregular.append(f"{name}:{value if value in ('null', '') or value[0] in _QUOTES else quoted(value)}")
        elif command == "train" and (key == _REGIONS or key.startswith(f"{_REGIONS}.")):
            # Names of regions and observables are the user's own too.
            read.append(f"++{key}={_value(key, value, None, multirun)}")
        else:
            kind = find_kind(key.lstrip("+").split("."), command)
            read.append(f"{key}={_value(key, value, kind, multirun)}")
    # A name with dots would be taken apart as a key, not as a part of a mapping.
    return [*read, *([f"++{_SAMPLES.rstrip('.')}={{{','.join(irregular)}}}"] if irregular else [])]


def _single_samples(word: str) -> list[str]:
    """Return `data.samples={a:FILE,b:null}` as one word for each sample, since no config declares their names."""
    key, _, value = word.partition("=")
    if key.lstrip("+") != _SAMPLES.rstrip("."):
        return [word]
    files, sweep, _ = _parsed(f"x={value}")
    if sweep or not isinstance(files, dict):
        return [word]
    return [f"{_SAMPLES}{name}={'null' if file is None else _given(file)}" for name, file in files.items()]


def _given(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{name}:{_given(part)}' for name, part in value.items())}}}"
    return quoted(value) if isinstance(value, str) else str(value)


def _check_sample_name(word: str, name: str) -> None:
    if not is_name(name):
        check_name(f"{word}: sample {name!r}, such as {file_name(name)}", name)
    if not _PLAIN_KEY.fullmatch(name):
        try:
            float(name)
        except ValueError:
            return
        raise UserError(f"{word}: the name of sample {name!r} reads as a number; begin it with a letter")


def _value(key: str, value: str, kind: Kind | None, multirun: bool) -> str:
    """Return a value as it has to stand in Hydra's grammar."""
    wants_text = kind is not None and any(isinstance(part, Text) for part in parts_of(kind))
    is_path = kind is not None and any(isinstance(part, Text) and part.path for part in parts_of(kind))
    parsed, sweep, error = _parsed(f"x={value}")
    if error:
        # A function of Hydra's, such as glob(*), is none of a word that only looks like one.
        if wants_text:
            return quoted(value)
        raise UserError(f"cannot read {key}={value}: {error}; quoted for the shell: {_for_the_shell(key, value)}")
    if not wants_text or kind is None or value == "" or value[0] in _QUOTES:
        return value
    if sweep:
        if is_path and Path(value).expanduser().exists():
            return quoted(value)
        if multirun:
            return value
        if is_path:
            raise UserError(
                f"{key}={value}: one is needed, not a list; {_joined(kind, value)}one run for each: -m {key}={value}"
            )
        return quoted(value)
    if isinstance(parsed, str) or parsed is None or kind.problem(parsed) is None:
        # Blanks at the ends are no part of a value for Hydra.
        return quoted(value) if isinstance(parsed, str) and parsed != value and "\\" not in value else value
    if isinstance(parsed, list | dict):
        return quoted(value) if is_path and Path(value).expanduser().exists() else value
    return quoted(value)


def _joined(kind: Kind, value: str) -> str:
    """Return how several files are one sample, where a key takes them."""
    return (
        f"[{value}] joins them, or " if any(isinstance(part, ListOf) for part in parts_of(kind)) else "merge them, or "
    )


def _parsed(word: str) -> tuple[Any, bool, str]:
    """Return the value of a word as Hydra reads it, whether it is a sweep, and why it cannot be read."""
    try:
        override = OverridesParser.create().parse_override(word)
        return override.value(), override.is_sweep_override(), ""
    except HydraException as error:
        return None, False, _reason(str(error))


def _reason(text: str) -> str:
    if match := re.search(r"(?:recognition error at: |input )'([^']*)'", text):
        return f"{match.group(1)!r} has a meaning of its own there"
    return "it has characters with a meaning of their own"


def _for_the_shell(key: str, value: str) -> str:
    """Return the word with its value in quotes, or the values of its list, as it would be typed."""
    if value.startswith("[") and value.endswith("]"):
        parts = ",".join(f'"{part.strip()}"' for part in value[1:-1].split(","))
        return shlex.quote(f"{key}=[{parts}]")
    return shlex.quote(f'{key}="{value}"')


def gather_bare(words: Sequence[str], key: str) -> list[str]:
    """Return `words` with those that are no `KEY=VALUE`, or that name something that exists, as one list `key=[…]`.

    >>> from hepad.cli.words import gather_bare
    >>> gather_bare(["runs/a", "runs/b", "output=page"], "runs")
    ['output=page', "runs=['runs/a','runs/b']"]
    """
    bare = [word for word in words if not word.startswith("-") and ("=" not in word or Path(word).exists())]
    listed = ",".join(quoted(word) for word in bare)
    return [word for word in words if word not in bare] + ([f"{key}=[{listed}]"] if bare else [])


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
        """True where a sweep is asked for."""
        return not MULTIRUN.isdisjoint(self.flags)

    def has(self, *flags: str) -> bool:
        """Return whether one of `flags` is there."""
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
