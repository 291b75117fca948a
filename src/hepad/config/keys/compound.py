"""Kinds of values made of others: lists, mappings, and choices between kinds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hepad.config.keys.kinds import JsonSchema, Kind, Name, Null, Problem, Text, Word, shown


@dataclass(frozen=True)
class ListOf:
    """A list of values of one kind.

    Args:
        item: the kind of its values.
        shortest: how many there are at least.
        longest: how many at most.
        plural: what they are called.
        example: a list that fits, where the words alone would not tell.
    """

    item: Kind
    shortest: int = 0
    longest: int = 10000
    plural: str = "values"
    example: str = ""

    @property
    def needed(self) -> str:
        """Describe the list."""
        number = f"{self.shortest} " if self.shortest == self.longest else "one or more " if self.shortest else ""
        return f"a list of {number}{self.plural}" + (f", such as {self.example}" if self.example else "")

    def problem(self, value: Any) -> Problem | None:
        """Return the first of its values that does not fit, or why it is no such list."""
        if not isinstance(value, list | tuple) or not self.shortest <= len(value) <= self.longest:
            return Problem("", value, f"{self.needed} is needed")
        for index, part in enumerate(value):
            if (found := self.item.problem(part)) is not None:
                return Problem(f"[{index}]{found.where}", found.value, found.said)
        return None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {
            "type": "array",
            "items": self.item.json_schema(),
            "minItems": self.shortest,
            "maxItems": self.longest,
        }


@dataclass(frozen=True)
class MapOf:
    """A mapping from words of the user's own to values of one kind."""

    item: Kind
    name: Kind = field(default_factory=Text)
    example: str = "{a: 1, b: 2}"

    @property
    def needed(self) -> str:
        """Describe the mapping."""
        return f"a mapping such as {self.example}"

    def problem(self, value: Any) -> Problem | None:
        """Return the first of its names or values that does not fit."""
        if not isinstance(value, Mapping):
            return Problem("", value, f"{self.needed} is needed")
        for name, part in value.items():
            if (found := self.name.problem(name)) is not None:
                return Problem(f".{shown(name)}", part, f"the name: {found.said}")
            if (found := self.item.problem(part)) is not None:
                return Problem(f".{name}{found.where}", found.value, found.said)
        return None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        names, values = self.name.json_schema(), self.item.json_schema()
        return {"type": "object", "propertyNames": names, "additionalProperties": values}


@dataclass(frozen=True)
class FieldsOf:
    """A mapping with keys of its own, each with a kind.

    Args:
        fields: key → the kind of its values.
        need: keys that must be there.
        example: a mapping that fits.
    """

    fields: Mapping[str, Kind]
    need: tuple[str, ...] = ()
    example: str = "{a: 1}"

    @property
    def needed(self) -> str:
        """Describe the mapping."""
        return f"a mapping such as {self.example}"

    def problem(self, value: Any) -> Problem | None:
        """Return the first of its keys that is missing, unknown or of a value that does not fit."""
        if not isinstance(value, Mapping) or any(key not in value for key in self.need):
            return Problem("", value, f"{self.needed} is needed")
        for key, part in value.items():
            if key not in self.fields:
                return Problem(f".{shown(key)}", part, f"no such key; allowed: {', '.join(self.fields)}")
            if (found := self.fields[key].problem(part)) is not None:
                return Problem(f".{key}{found.where}", found.value, found.said)
        return None

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        properties = {key: kind.json_schema() for key, kind in self.fields.items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.need),
            "additionalProperties": False,
        }


@dataclass(frozen=True)
class Either:
    """A value of any of several kinds."""

    kinds: tuple[Kind, ...]

    @property
    def needed(self) -> str:
        """Describe all of them but null, which nobody asks for by mistake."""
        return " or ".join(kind.needed for kind in self.kinds if not isinstance(kind, Null))

    def problem(self, value: Any) -> Problem | None:
        """Return None where one kind fits, else what that kind says whose shape the value has."""
        found = [kind.problem(value) for kind in self.kinds]
        if None in found:
            return None
        for kind, problem in zip(self.kinds, found, strict=True):
            telling = isinstance(kind, Word | Name) and isinstance(value, str)
            if problem is not None and (problem.where or telling or (isinstance(kind, Text) and "-m" in problem.said)):
                return problem
        return Problem("", value, f"{self.needed} is needed")

    def json_schema(self) -> JsonSchema:
        """Return the JSON schema of the values that fit."""
        return {"anyOf": [kind.json_schema() for kind in self.kinds]}


def optional(kind: Kind) -> Either:
    """The kind, or null."""
    return Either((kind, Null()))


def parts_of(kind: Kind) -> Iterator[Kind]:
    """Yield a kind and, where it is a choice of kinds, each of these."""
    yield kind
    if isinstance(kind, Either):
        yield from kind.kinds
