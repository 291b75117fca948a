"""YAML and JSON from a file that may be hostile: no references, no tags, no key twice, bounded in every direction."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from hepad.core.errors import UserError
from hepad.core.input_files import read_small_file
from hepad.rundir.plain_values import DEPTH, VALUES, check_limits

_Parser: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STR: Final = "tag:yaml.org,2002:str"
_DIGITS: Final = 400
"""Of a number; no number that hepad writes has more than 25."""


class _Loader(_Parser):  # type: ignore[misc]
    """Reads what OmegaConf writes: null, true, 12, 1.0e-05 and words, and nothing that the writer would quote."""

    yaml_implicit_resolvers: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no word")
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} stands there twice")
            seen.add(key.value)
        values: dict[Any, Any] = super().construct_mapping(node, deep=True)
        return values


for _tag, _pattern, _first in (
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,30})", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]{1,40}\.[0-9]{0,40}|[0-9]{1,40}(?=[eE]))(?:[eE][-+]?[0-9]{1,4})?", "-+0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
):
    # An empty scalar is null.
    _firsts = [*_first, *([""] if _tag == "null" else [])]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _firsts)


def read_text(path: Path, most: int) -> str:
    """Return the text of a regular file of at most `most` bytes; `UserError` where it is something else."""
    try:
        return read_small_file(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: it is not UTF-8 text (byte {error.start})") from error


def first_line(error: BaseException) -> str:
    """Return what an exception says, as one line."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def read_yaml(path: Path, most: int) -> Any:
    """Return the plain values of a YAML file of at most `most` bytes.

    Raises:
        UserError: it is not a regular file, too large, not UTF-8, not YAML, or holds aliases, tags, a key twice, or
            more values or levels than a config has.
    """
    content = read_text(path, most)
    try:
        _check_events(yaml.parse(content, Loader=_Loader), path)
        values = yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot read {path}: {_problem(error)}") from error
    check_limits(values, str(path))
    return values


def read_json(path: Path, most: int) -> dict[str, Any]:
    """Return the JSON object of a file of at most `most` bytes.

    Raises:
        UserError: it is not a regular file, too large, not UTF-8, not a JSON object, or holds a key twice, or more
            values, levels or digits than a file of a run has.
    """
    content = read_text(path, most)
    try:
        values = json.loads(content, object_pairs_hook=_once, parse_int=_integer, parse_float=_float)
    except UserError:
        raise
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply; it is not from a run") from error
    except ValueError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} is not from a run: a JSON object is needed")
    check_limits(values, str(path))
    return values


def _check_events(events: Iterable[yaml.Event], path: Path) -> None:
    """Refuse what multiplies, or builds other things than plain values, before anything is built."""
    depth = 0
    for count, event in enumerate(events):
        if count > VALUES:
            raise UserError(f"{path} holds more than {VALUES:,} values; it is not from a run")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UserError(f"cannot read {path}: it holds aliases (&, *), which no config of a run has")
        if (tag := getattr(event, "tag", None)) is not None and tag != _STR:
            raise UserError(f"cannot read {path}: it holds the tag {tag[:60]}, which no config of a run has")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH:
            raise UserError(f"{path} is nested more than {DEPTH} levels deep; it is not from a run")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:60]!r} stands there twice")
    return values


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= _DIGITS else _too_long(digits)


def _float(digits: str) -> float:
    return float(digits) if len(digits) <= _DIGITS else _too_long(digits)


def _too_long(digits: str) -> NoReturn:
    raise ValueError(f"a number of {len(digits)} digits")


def _problem(error: Exception) -> str:
    """What the parser found, and on which line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or first_line(error)
    return f"{what}{'' if mark is None else f' (line {mark.line + 1})'}"
