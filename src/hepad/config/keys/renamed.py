"""Keys that have another name now: on a command line, and in the configs of older runs."""

from collections.abc import Mapping
from typing import Any, Final

from hepad.core.errors import UserError

RENAMED_KEYS: Final[Mapping[str, tuple[str, Mapping[str, str | None]]]] = {
    "data.train_on": ("data.half", {"all": None, "teacher": "first", "student": "second"}),
}
"""A key as it was called → how it is called now, and the present value of each value that it had."""


def present_word(word: str) -> str:
    """Return a `KEY=VALUE` of a command line with the present name of its key, also where values are swept.

    Raises:
        UserError: a value that the key never had.

    >>> present_word("data.train_on=teacher"), present_word("seed=1,2")
    ('data.half=first', 'seed=1,2')
    """
    key, _, given = word.partition("=")
    bare = key.lstrip("+")
    if bare not in RENAMED_KEYS:
        return word
    name, values = RENAMED_KEYS[bare]
    found = [part.strip().strip("'\"") for part in given.split(",")]
    if any(value not in (*values, "null") for value in found):
        told = ", ".join(f"{_told(new)} for {old}" for old, new in values.items())
        raise UserError(f"{word}: {bare} is called {name} now; write {told}")
    return f"{key.replace(bare, name)}={','.join(_told(values.get(value)) for value in found)}"


def with_present_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a run's config under the present names of their keys.

    >>> with_present_keys({"data": {"train_on": "student", "limit": 5}})
    {'data': {'limit': 5, 'half': 'second'}}
    """
    present = dict(config)
    for old, (new, values) in RENAMED_KEYS.items():
        (section, old_key), new_key = old.split("."), new.split(".")[1]
        found = present.get(section)
        if isinstance(found, Mapping) and old_key in found:
            value = found[old_key]
            kept = {key: found[key] for key in found if key != old_key}
            present[section] = {**kept, new_key: values.get(value, value) if isinstance(value, str) else value}
    return present


def _told(value: str | None) -> str:
    return "null" if value is None else value
