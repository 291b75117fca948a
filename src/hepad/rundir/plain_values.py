"""Rules for plain values (mappings, lists, words, numbers) from a file, and limits that hold for all of them."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, TypeAlias

from hepad.core.errors import UserError

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
