"""The JSON schema of a command's config, for editors: the table of keys with the comments of the YAML files."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hepad.config import config_dir, config_dirs
from hepad.config.comments import comment_of, groups_of, keys_of, option_files, read_config_text
from hepad.config.keys import COMMAND_KEYS, Kind, find_kind
from hepad.config.keys.check import targets_of
from hepad.config.keys.kinds import Anything, JsonSchema

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE: Final[JsonSchema] = {"type": "string", "pattern": r"\$\{"}
_REFERENCE_LINK: Final = {"$ref": "#/$defs/reference"}
_DEFAULTS: Final[JsonSchema] = {"description": "Options of groups, such as `- override /model: vae`.", "type": "array"}
_FOREIGN: Final[JsonSchema] = {
    "required": ["_target_"],
    "properties": {"_target_": {"type": "string", "not": {"pattern": r"^(hepad|torch|lightning)\."}}},
}
"""A part that is not hepad's own, whose keys may mean anything."""

_Tree = dict[str, Any]
"""Part of a key → a kind, or the tree below."""


def config_schema(command: str) -> JsonSchema:
    """Return the JSON schema (draft 2020-12) of what a YAML file may set for a command, whole configs and parts alike.

    A value fits where `check_config` takes it; a reference `${…}` fits everywhere. Keys without a row are refused,
    but for those in the user's own directories of configs and those of classes that hepad does not ship.

    Args:
        command: the command.
    """
    text = (config_dir() / f"{command}.yaml").read_text(encoding="utf-8")
    groups = groups_of(text, config_dirs())
    kinds = dict(COMMAND_KEYS[command])
    for key in _own_keys(groups):
        if find_kind(key.split("."), command) is None:
            kinds[key] = Anything()
    comments = _Comments(text, groups)
    properties = _properties(_tree(kinds), comments)
    hydra: JsonSchema = {"description": "Settings of Hydra itself.", "type": "object", "properties": {}}
    hydra["properties"] = _open(properties.pop("hydra", {})).get("properties", {})
    return {
        "$schema": DRAFT,
        "title": f"hepad {command}",
        "type": "object",
        "properties": {"defaults": _DEFAULTS, **properties, "hydra": hydra},
        "additionalProperties": False,
        "$defs": {"reference": _REFERENCE},
    }


def _tree(kinds: dict[str, Kind]) -> _Tree:
    tree: _Tree = {}
    for key, kind in sorted(kinds.items()):
        *parents, name = key.split(".")
        node = tree
        for part in parents:
            below = node.setdefault(part, {})
            # A key with a row may have keys below it in a user's own file.
            if not isinstance(below, dict):
                break
            node = below
        else:
            node.setdefault(name, kind)
    return tree


def _properties(tree: _Tree, comments: "_Comments", path: tuple[str, ...] = ()) -> dict[str, JsonSchema]:
    return {
        name: _section(below, comments, (*path, name))
        if isinstance(below, dict)
        else _leaf(below, comments, path, name)
        for name, below in tree.items()
        if name != "*"
    }


def _leaf(kind: Kind, comments: "_Comments", path: tuple[str, ...], name: str) -> JsonSchema:
    schema = kind.json_schema()
    if kind.problem("${a}") is not None and "not" not in schema:
        schema = {"anyOf": [*schema.get("anyOf", [schema]), _REFERENCE_LINK]}
    description = comments.of(".".join((*path, name))) or kind.needed
    if name == "_target_":
        return {"description": "what is built", **schema, "examples": sorted(targets_of(_group(path)))}
    return {"description": description, **schema}


def _section(tree: _Tree, comments: "_Comments", path: tuple[str, ...]) -> JsonSchema:
    """Return the schema of a key that has keys of its own."""
    properties = _properties(tree, comments, path)
    if path[-2:] == ("terms", "*"):
        # A part of a weighted sum is a loss like the one it is in.
        properties["loss"] = {"$ref": "#/properties/" + "/else/properties/".join(path[:-2])}
    if "*" in tree:
        return {"type": "object", "additionalProperties": _section(tree["*"], comments, (*path, "*"))}
    # Sections themselves are never null, what stands in them may be.
    schema: JsonSchema = {"type": "object" if len(path) == 1 else ["object", "null"]}
    if "_target_" not in tree:
        return {**schema, "properties": properties, "additionalProperties": False}
    own: JsonSchema = {
        "properties": properties,
        "if": {"properties": {"_target_": {"enum": sorted(targets_of(_group(path)))}}},
        "then": {"propertyNames": {"enum": sorted(properties)}},
    }
    # As data nothing foreign has keys that mean something else.
    return {**schema, **own} if path == ("data",) else {**schema, "if": _FOREIGN, "else": own}


def _group(path: Sequence[str]) -> str:
    """Return the group whose options are placed at a path."""
    return "loss" if "loss" in path else path[0]


def _open(schema: JsonSchema) -> JsonSchema:
    """Return a section that takes other keys too, at any depth."""
    properties = {name: _open(below) for name, below in schema.get("properties", {}).items()}
    found = {name: value for name, value in schema.items() if name != "additionalProperties"}
    return {**found, "properties": properties} if properties else found


def _own_keys(groups: dict[str, list[str]]) -> Iterator[str]:
    """Yield the keys in the user's own directories of configs that hold single values.

    Experiments add none: they set what others declare, and a mistyped key is to be found there.
    """
    for group in set(groups) - {"experiment", "debug"}:
        for file in option_files(group, config_dirs()[1:]):
            keys = list(keys_of(read_config_text(file), _package(group)))
            for key in keys:
                if not any(other.startswith(f"{key}.") for other in keys) and key.split(".")[-1] != "defaults":
                    yield key


def _package(group: str) -> str:
    return "model.loss" if group == "loss" else group


class _Comments:
    """The comments of all keys of a command: one sentence where all options say the same, else one line for each.

    Args:
        text: the command's own config.
        groups: its groups.
    """

    def __init__(self, text: str, groups: dict[str, list[str]]) -> None:
        self._found: dict[str, dict[str, list[str]]] = {}
        self._add(text, "", "")
        for group in groups:
            for file in option_files(group, config_dirs()):
                self._add(read_config_text(file), _package(group), file.stem)

    def _add(self, text: str, package: str, option: str) -> None:
        for key, said in keys_of(text, package).items():
            if said and (not package or key.startswith(f"{package}.")):
                self._found.setdefault(key, {}).setdefault(said, []).append(option)

    def of(self, pattern: str) -> str:
        """Return the comment of a key, in which `*` stands for any name."""
        wanted = pattern.split(".")
        said: dict[str, list[str]] = {}
        for key, comments in self._found.items():
            parts = key.split(".")
            if len(parts) == len(wanted) and all(w in ("*", part) for w, part in zip(wanted, parts, strict=True)):
                named = [part for w, part in zip(wanted, parts, strict=True) if w == "*"]
                for comment, options in comments.items():
                    said.setdefault(comment, []).extend(named or options)
        if len(said) > 1:
            return "\n".join(f"{', '.join(dict.fromkeys(names))}: {comment}" for comment, names in said.items())
        return next(iter(said), "") or comment_of(
            pattern, {key: next(iter(found)) for key, found in self._found.items()}
        )
