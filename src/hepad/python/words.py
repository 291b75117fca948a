"""Settings given in Python as words of a command line, and the objects among them."""

import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from hepad.config import quoted
from hepad.config.keys import find_kind
from hepad.core.errors import UserError

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@+-]+")
"""Texts that Hydra's grammar reads as they are."""

OBJECTS: Final = ("model.loss", "model.network")
"""Keys that take an object."""


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Attributes:
        words: `KEY=VALUE`, as on the command line.
        objects: key → object, where no word says it.
    """

    words: list[str] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)

    def names(self, key: str) -> bool:
        """Return whether a word gives this key."""
        return any(word.lstrip("+").partition("=")[0] == key for word in self.words)

    def value(self, key: str) -> str | None:
        """Return the last value of a key as it stands in its word; None where no word gives it."""
        found = [word.partition("=")[2] for word in self.words if word.lstrip("+").partition("=")[0] == key]
        return found[-1] if found else None


def read_settings(words: Sequence[Any], overrides: Mapping[str, Any]) -> Settings:
    """Return words and keyword arguments as settings.

    Args:
        words: `KEY=VALUE`, as on the command line.
        overrides: keys with their values: dotted (`**{"trainer.max_epochs": 3}`), with `__` in place of the dot
            (`trainer__max_epochs=3`), or as sections (`trainer={"max_epochs": 3}`).

    Raises:
        UserError: a word that is none, a key without a name, or a value that no config holds.

    >>> from hepad.python.words import read_settings
    >>> read_settings(["seed=1"], {"trainer": {"max_epochs": 3}, "model__latent": None, "optimizer": "adamw"}).words
    ['seed=1', 'trainer.max_epochs=3', 'model.latent=null', 'optimizer=adamw']
    """
    settings = Settings()
    for word in words:
        if not isinstance(word, str) or "=" not in word or word.startswith("-"):
            raise UserError(f"{word!r}: a word KEY=VALUE is needed, such as 'trainer.max_epochs=3'")
        settings.words.append(word)
    for key, value in overrides.items():
        _add(settings, key.replace("__", "."), value)
    return settings


def _add(settings: Settings, key: str, value: Any) -> None:
    if not key or any(not part for part in key.split(".")):
        raise UserError(f"{key!r} is no key")
    if key in OBJECTS and _is_object(value):
        settings.objects[key] = value
    elif isinstance(value, Mapping) and find_kind(key.split(".")) is None and value:
        for name, part in value.items():
            _add(settings, f"{key}.{name}", part)
    else:
        settings.words.append(f"{key}={_rendered(value, key)}")


def _is_object(value: Any) -> bool:
    return not isinstance(value, str | Mapping | Sequence | numbers.Number | PurePath) and value is not None


def _rendered(value: Any, key: str) -> str:
    """Return a value in Hydra's grammar."""
    if value is None:
        return "null"
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | PurePath):
        text = str(value)
        return text if _PLAIN.fullmatch(text) else quoted(text)
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{name}:{_rendered(part, key)}' for name, part in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{','.join(_rendered(part, key) for part in value)}]"
    told = f"; only {' and '.join(OBJECTS)} take objects" if key not in OBJECTS else ""
    raise UserError(f"{key}: a config holds numbers, texts, lists and mappings, not {type(value).__name__}{told}")
