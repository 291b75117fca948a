"""YAML, JSON and plain values from a file that may be hostile: no references, no tags, bounded in every direction."""

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import yaml

from hepad.core.errors import UserError
from hepad.core.files import read_small_file

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


def read_json(path: Path, most: int, values: int | None = None) -> dict[str, Any]:
    """Return the JSON object of a file of at most `most` bytes.

    Args:
        path: the file.
        most: bytes.
        values: how many it may hold; None for as many as a config has.

    Raises:
        UserError: it is not a regular file, too large, not UTF-8, not a JSON object, or holds a key twice, or more
            values, levels or digits than a file of a run has.
    """
    content = read_text(path, most)
    try:
        found = json.loads(content, object_pairs_hook=_once, parse_int=_integer, parse_float=_float)
    except UserError:
        raise
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply; it is not from a run") from error
    except ValueError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is not from a run: a JSON object is needed")
    check_limits(found, str(path), VALUES if values is None else values)
    return found


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
    """Return what the parser found, and on which line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or first_line(error)
    return f"{what}{'' if mark is None else f' (line {mark.line + 1})'}"


Rule: TypeAlias = Callable[[Any, str], None]
"""Raises `UserError` for a value that is not allowed; the word is where it stands."""

DEPTH: Final = 40
VALUES: Final = 200_000
_INTEGER: Final = 2**63
_SHOWN: Final = 40


def check_limits(root: Any, where: str, values: int = VALUES) -> None:
    """Raise `UserError` for values that are nested too deeply, too many (shared ones count each time) or too large."""
    left = values
    stack = [(root, 0)]
    while stack:
        value, depth = stack.pop()
        left -= 1
        if left < 0:
            raise UserError(f"{where} holds more than {values:,} values; it is not from a run")
        if depth > DEPTH:
            raise UserError(f"{where} is nested more than {DEPTH} levels deep; it is not from a run")
        if isinstance(value, int) and not -_INTEGER <= value < _INTEGER:
            raise UserError(f"{where} holds an integer of more than 64 bits; it is not from a run")
        if isinstance(value, Mapping):
            stack += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list | tuple | set | frozenset):
            stack += [(part, depth + 1) for part in value]


def shown(value: Any) -> str:
    """Return a value as it is named in a message: one short line."""
    text = " ".join(str(value).split()) if isinstance(value, str | int | float | None) else type(value).__name__
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def text(most: int = 4096) -> Rule:
    """Allow words of at most `most` characters."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, str) or len(value) > most:
            raise UserError(f"{where}={shown(value)}: a word of at most {most} characters is needed")

    return rule


def number(low: float = -math.inf, high: float = math.inf, whole: bool = False) -> Rule:
    """Allow finite numbers from `low` to `high`, integers only where `whole`."""

    def rule(value: Any, where: str) -> None:
        kinds = int if whole else int | float
        if not isinstance(value, kinds) or isinstance(value, bool) or not math.isfinite(value):
            raise UserError(f"{where}={shown(value)}: {'an integer' if whole else 'a number'} is needed")
        if not low <= value <= high:
            raise UserError(f"{where}={shown(value)}: a number from {low:.12g} to {high:.12g} is needed")

    return rule


def optional(rule: Rule) -> Rule:
    """Allow null too."""

    def optional_rule(value: Any, where: str) -> None:
        if value is not None:
            rule(value, where)

    return optional_rule


def listing(of: Rule, most: int = 10_000) -> Rule:
    """Allow lists of at most `most` values, each as `of` says."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) > most:
            raise UserError(f"{where}={shown(value)}: a list of at most {most:,} values is needed")
        for i, part in enumerate(value):
            of(part, f"{where}.{i}")

    return rule


def mapping(of: Rule, most: int = 10_000) -> Rule:
    """Allow mappings from words that are not empty to values as `of` says."""

    def rule(value: Any, where: str) -> None:
        check_mapping(value, where, most)
        for key, part in value.items():
            if not key:
                raise UserError(f"{where}: {shown(key)!r} is no name")
            of(part, f"{where}.{shown(key)}")

    return rule


def fields(rules: Mapping[str, Rule], need: Collection[str] = ()) -> Rule:
    """Allow mappings whose values under the keys of `rules` are as these say; others are left alone.

    Args:
        rules: key → rule, looked at where the key is there.
        need: keys that must be there.
    """

    def rule(value: Any, where: str) -> None:
        check_mapping(value, where)
        for key in need:
            if key not in value:
                raise UserError(f"{where} has no {key}")
        for key, of in rules.items():
            if key in value:
                of(value[key], f"{where}: {key}" if " " in where or "/" in where else f"{where}.{key}")

    return rule


def check_mapping(value: Any, where: str, most: int = 10_000) -> None:
    """Raise `UserError` for what is no mapping from words, or for one of more than `most` keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UserError(f"{where}={shown(value)}: a mapping with words as keys is needed")
    if len(value) > most:
        raise UserError(f"{where} has {len(value):,} keys; no more than {most:,} are expected there")
