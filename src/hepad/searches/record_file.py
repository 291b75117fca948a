"""search.json: a search's record written in one step, and read back from a file that may be hostile."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from hepad.core.errors import UserError
from hepad.core.files import atomic_write_text
from hepad.rundir import parsing
from hepad.rundir.parsing import Rule, listing, mapping, number, optional, read_json, shown
from hepad.searches.record import SearchRecord
from hepad.searches.record_checks import problems_of

FILE: Final = "search.json"
FORMAT: Final = 1
"""Of the file; a reader refuses any other."""

_BYTES: Final = 256 << 20
_VALUES: Final = 8_000_000
_MOST: Final = 1_000_000
_LARGEST: Final = 1e30
"""Of a number; what is larger is as undefined as infinity, and no figure can show it."""


def write_record(directory: Path, record: SearchRecord) -> Path:
    """Write search.json in one step.

    What is undefined is never written: NaN, infinity and what is above 10³⁰ become null where the record allows None,
    and are left out of mappings. Characters that no text has, such as line ends, become spaces.

    Args:
        directory: of the search; it must exist.
        record: what was found.

    Returns:
        The path written.

    Raises:
        ValueError: a number that must be known is undefined, or the record says what cannot be; the message says
            where.
    """
    content = {"format": FORMAT, **_plain(record, SearchRecord, "record")}
    if problem := next(problems_of(_built(content, SearchRecord)), None):
        raise ValueError(f"record: {problem}")
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return atomic_write_text(directory / FILE, text + "\n")


def read_record(directory: str | Path) -> SearchRecord:
    """Read the record of a search; sequences come as tuples, mappings as dictionaries.

    Raises:
        UserError: there is none, or it is damaged, too large, or says something else than hepad writes.
    """
    path = Path(directory) / FILE
    content = read_json(path, _BYTES, _VALUES)
    number(whole=True)(content.get("format"), f"{path}: format")
    if content["format"] != FORMAT:
        raise UserError(f"{path} has format {content['format']}; this hepad reads format {FORMAT}")
    _rule_of(SearchRecord)(content, str(path))
    record: SearchRecord = _built(content, SearchRecord)
    if problem := next(problems_of(record), None):
        raise UserError(f"{path}: {problem}")
    return record


def is_search(directory: str | Path) -> bool:
    """Return whether a directory is that of a search whose record was written."""
    return (Path(directory) / FILE).is_file()


def _parts(kind: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield name and type of each field of a dataclass, and whether it has no default."""
    hints = _hints(kind)
    for part in fields(kind):
        yield part.name, hints[part.name], part.default is MISSING and part.default_factory is MISSING


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Return what a type is beside None, and whether it may be None."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    others = [of for of in get_args(kind) if of is not NoneType]
    return (others[0] if len(others) == 1 else Union[tuple(others)]), len(others) < len(get_args(kind))  # noqa: UP007


def _plain(value: Any, kind: Any, where: str) -> Any:
    """Return a value of the record as JSON knows it."""
    kind, may_be_none = _without_none(kind)
    if value is None:
        return None
    if is_dataclass(kind):
        return {name: _plain(getattr(value, name), of, f"{where}.{name}") for name, of, _ in _parts(kind)}
    if get_origin(kind) is Mapping:
        (_, of) = get_args(kind)
        return {
            clean(str(key)): _plain(part, of, f"{where}.{key}")
            for key, part in value.items()
            if not (of is float and _undefined(part))
        }
    if get_origin(kind) in (Sequence, tuple):
        of = get_args(kind)[0]
        return [_plain(part, of, f"{where}.{i}") for i, part in enumerate(value)]
    if kind is object:
        return _plain_setting(value)
    value = _python_value(value)
    if _undefined(value):
        if may_be_none:
            return None
        raise ValueError(f"{where} is {value}, which no file of a search may hold")
    return clean(value) if isinstance(value, str) else value


def _plain_setting(value: Any) -> Any:
    """Return a setting, of which nothing is known, as JSON knows it."""
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain_setting(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_setting(part) for part in value]
    value = _python_value(value)
    if isinstance(value, bool | int | float | None):
        return None if _undefined(value) else value
    return clean(str(value))


def _python_value(value: Any) -> Any:
    """Return a number of NumPy as Python's own."""
    return value.item() if hasattr(value, "item") else value


def _undefined(value: Any) -> bool:
    value = _python_value(value)
    return isinstance(value, float) and not abs(value) <= _LARGEST


def clean(text: str) -> str:
    """Return a text with a space for each character that is none: line ends, commands of terminals, half characters."""
    return "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text)


def _built(value: Any, kind: Any) -> Any:
    """Return a value of the record from what a rule has allowed."""
    kind, _ = _without_none(kind)
    if value is None or kind is object:
        return value
    if is_dataclass(kind):
        make: Callable[..., Any] = kind  # type: ignore[assignment]
        return make(**{name: _built(value[name], of) for name, of, _ in _parts(kind) if name in value})
    if get_origin(kind) is Mapping:
        return {key: _built(part, get_args(kind)[1]) for key, part in value.items()}
    if get_origin(kind) in (Sequence, tuple):
        return tuple(_built(part, get_args(kind)[0]) for part in value)
    return value


@cache
def _rule_of(kind: Any) -> Rule:
    """Return the rule that allows the values of a type."""
    kind, may_be_none = _without_none(kind)
    if may_be_none:
        return optional(_rule_of(kind))
    if is_dataclass(kind):
        made: Any = kind
        return lambda value, where: _fields_of(made)(value, where)
    if get_origin(kind) is Mapping:
        return _mapping(_rule_of(get_args(kind)[1]))
    if get_origin(kind) is Sequence:
        return listing(_rule_of(get_args(kind)[0]), _MOST)
    if get_origin(kind) is tuple:
        return _pair(_rule_of(get_args(kind)[0]))
    return _SIMPLE[kind]


@cache
def _fields_of(kind: Any) -> Rule:
    """Return the rule of a dataclass; made on first use, as a method's null is a method."""
    parts = list(_parts(kind))
    return parsing.fields({name: _rule_of(of) for name, of, _ in parts}, [name for name, _, needed in parts if needed])


def _mapping(of: Rule) -> Rule:
    def rule(value: Any, where: str) -> None:
        parsing.check_mapping(value, where)
        for key in value:
            _text(key, f"{where}: a name")
        mapping(of)(value, where)

    return rule


def _pair(of: Rule) -> Rule:
    def rule(value: Any, where: str) -> None:
        listing(of, 2)(value, where)
        if len(value) != 2:
            raise UserError(f"{where} has {len(value)} values; two are needed")

    return rule


def _text(value: Any, where: str) -> None:
    parsing.text(10_000)(value, where)
    if clean(value) != value:
        raise UserError(f"{where}={shown(clean(value))}: it holds characters that no text has")


def _truth(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise UserError(f"{where}={shown(value)}: true or false is needed")


def _word_or_number(value: Any, where: str) -> None:
    (_text if isinstance(value, str) else number())(value, where)


def _setting(value: Any, where: str) -> None:
    """Allow what JSON knows; how deep and how much is limited for the whole file."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            _text(key, f"{where}: a name")
            _setting(part, f"{where}.{shown(key)}")
    elif isinstance(value, list):
        for i, part in enumerate(value):
            _setting(part, f"{where}.{i}")
    elif value is not None and not isinstance(value, bool):
        _word_or_number(value, where)


_SIMPLE: Final[Mapping[Any, Rule]] = {
    str: _text,
    float: number(-_LARGEST, _LARGEST),
    int: number(whole=True),
    bool: _truth,
    str | float | int: _word_or_number,
    object: _setting,
}
