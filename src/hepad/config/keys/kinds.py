"""Kinds of values that a key of a config may have, each with the words that tell a user what is needed."""

import difflib
import re
import sys
from dataclasses import dataclass
from typing import Any, Protocol

from hepad.core.byte_sizes import parse_bytes
from hepad.core.names import NAME_PATTERN, is_name

_SHOWN_CHARACTERS = 80

JsonSchema = dict[str, Any]
"""A JSON schema, or a part of one, draft 2020-12."""


@dataclass(frozen=True)
class Problem:
    """A value that does not fit.

    Attributes:
        where: what to add to the key where the value is a part of it, such as `[1]`.
        value: that value.
        said: what would be right.
    """

    where: str
    value: Any
    said: str


class Kind(Protocol):
    """Kind of values that a key takes."""

    @property
    def needed(self) -> str:
        """Describe the values that fit, as a noun: `an integer of at least 1`."""

    def problem(self, value: Any) -> Problem | None:
        """Return why a plain value does not fit; None where it does."""

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit; NaN, which JSON does not know, is left to `problem`."""


class _Simple:
    """A kind whose values fit or do not, without parts."""

    needed: str = ""

    def fits(self, value: Any) -> bool:
        """Return whether a value fits."""
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        raise NotImplementedError

    def problem(self, value: Any) -> Problem | None:
        """Return why a value does not fit."""
        return None if self.fits(value) else Problem("", value, f"{self.needed} is needed")


class Null(_Simple):
    """Nothing: `null`."""

    needed = "null"

    def fits(self, value: Any) -> bool:
        """Return whether a value is null."""
        return value is None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "null"}


class Flag(_Simple):
    """True or false."""

    needed = "true or false"

    def fits(self, value: Any) -> bool:
        """Return whether a value is a boolean."""
        return isinstance(value, bool)

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole(_Simple):
    """An integer in a range, both ends included."""

    low: int = 0
    high: int = 2**53

    @property
    def needed(self) -> str:  # type: ignore[override]
        """Describe the range; the upper end only where somebody may reach it."""
        bounds = f"of at least {self.low}" if self.high >= 2**53 else f"from {self.low} to {self.high}"
        return f"an integer {bounds}"

    def fits(self, value: Any) -> bool:
        """Return whether a value is an integer in the range."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Number(_Simple):
    """A finite number in a range.

    Args:
        low: the smallest; None for none.
        high: the largest; None for none.
        open_low: `low` itself is left out.
        open_high: `high` itself is left out.
    """

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    @property
    def needed(self) -> str:  # type: ignore[override]
        """Describe the range."""
        if self.low == 0 and self.open_low and self.high is None:
            return "a positive number"
        if (self.low, self.high, self.open_low, self.open_high) == (0, 1, False, False):
            return "a number between 0 and 1"
        lower = "" if self.low is None else f"{'above' if self.open_low else 'of at least'} {self.low:g}"
        upper = "" if self.high is None else f"{'below' if self.open_high else 'at most'} {self.high:g}"
        return " ".join(["a number", " and ".join(part for part in (lower, upper) if part)]).strip()

    def fits(self, value: Any) -> bool:
        """Return whether a value is a finite number in the range."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            return False
        above = self.low is None or (value > self.low if self.open_low else value >= self.low)
        return above and (self.high is None or (value < self.high if self.open_high else value <= self.high))

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        largest = sys.float_info.max
        low = {"exclusiveMinimum" if self.open_low else "minimum": -largest if self.low is None else self.low}
        high = {"exclusiveMaximum" if self.open_high else "maximum": largest if self.high is None else self.high}
        return {"type": "number", **low, **high}


class Bytes(_Simple):
    """An amount of memory: a number of bytes, or a text such as `2GB`."""

    needed = "a number of bytes such as 2GB or 500MB"

    def fits(self, value: Any) -> bool:
        """Return whether a value is an amount of memory."""
        return parse_bytes(value) is not None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit; what a text means is left to `fits`."""
        text = {"type": "string", "pattern": r"^\s*[0-9.eE+]+\s*([kKmMgGtT][iI]?)?[bB]?\s*$"}
        return {"anyOf": [{"type": "number", "minimum": 1, "maximum": 10**18}, text]}


@dataclass(frozen=True)
class Word:
    """One of a few words; of a few other plain values too, such as the number 32."""

    choices: tuple[Any, ...]

    @property
    def needed(self) -> str:
        """List the words."""
        return "one of " + ", ".join(map(str, self.choices))

    def problem(self, value: Any) -> Problem | None:
        """Return the choices, and the nearest, for a value that is none of them."""
        if any(type(value) is type(choice) and value == choice for choice in self.choices):
            return None
        words = [str(choice) for choice in self.choices]
        near = difflib.get_close_matches(str(value), words, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return Problem("", value, f"allowed: {', '.join(words)}{hint}")

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"enum": list(self.choices)}


@dataclass(frozen=True)
class Text(_Simple):
    """Words of the user's own."""

    needed: str = "a word"
    longest: int = 1000
    path: bool = False
    """True for the name of a file or a directory, from where the user stands."""
    run: bool = False
    """True where that directory must be a run's."""

    def fits(self, value: Any) -> bool:
        """Return whether a value is text that is not empty, without control characters."""
        return isinstance(value, str) and 0 < len(value) <= self.longest and not any(ord(c) < 32 for c in value)

    def problem(self, value: Any) -> Problem | None:
        """Return why a value does not fit; a list of files may be meant for a sweep."""
        if self.path and isinstance(value, list | tuple):
            return Problem(
                "", value, f"{self.needed} is needed, not a list; merge them, or one run for each: -m KEY=A,B"
            )
        return super().problem(value)

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "string", "minLength": 1, "maxLength": self.longest, "pattern": r"^[^\u0000-\u001f]*$"}


@dataclass(frozen=True)
class Pattern(_Simple):
    """Text of one form.

    Args:
        pattern: a regular expression of all of it.
        needed: the form in words, with an example.
    """

    pattern: str
    needed: str

    def fits(self, value: Any) -> bool:
        """Return whether a value is text of that form."""
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "string", "pattern": f"^({self.pattern})$"}


class Name(Text):
    """The name of a directory, a sample, a run."""

    def __init__(self) -> None:
        super().__init__("a name of 1 to 64 letters, digits, '.', '_' and '-'", 64)

    def problem(self, value: Any) -> Problem | None:
        """Return why a value is no name."""
        fits = isinstance(value, str) and is_name(value)
        return None if fits else Problem("", value, "1 to 64 letters, digits, '.', '_' and '-' are allowed")

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"type": "string", "pattern": NAME_PATTERN}


class Anything(_Simple):
    """Any plain value; for keys that mean something to others only."""

    needed = "a value"

    def fits(self, value: Any) -> bool:
        """True."""
        return True

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {}


@dataclass(frozen=True)
class Refused:
    """No value: a key that hepad leaves out for a reason."""

    reason: str

    @property
    def needed(self) -> str:
        """The reason."""
        return self.reason

    def problem(self, value: Any) -> Problem | None:
        """Return the reason."""
        return Problem("", value, self.reason)

    def json_schema(self) -> JsonSchema:
        """Return the schema of nothing; editors show the reason, and do not offer the key."""
        return {"not": {}, "deprecationMessage": self.reason}


def shown(value: Any) -> str:
    """Return a value as it would stand on a command line, on one line and not too long."""
    plain = "null" if value is None else str(value)
    text = plain.lower() if isinstance(value, bool) else " ".join(plain.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
