"""Pages of the configs: groups with their options, keys with default, allowed values and comment."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from hepad.config import config_dir
from hepad.config.comments import keys_of
from hepad.config.keys import COMMAND_KEYS, find_kind
from hepad.config.keys.kinds import shown

GROUPS: Final = {
    "model": "networks, how they are trained and how they score",
    "loss": "what a model minimises, and scores by unless it says otherwise",
    "data": "what is read, and what an entry is",
    "optimizer": "steps of the weights",
    "scheduler": "learning rates over the epochs",
    "trainer": "Lightning's trainer: epochs, devices, precision",
    "inference": "how a trained model scores",
    "callbacks": "what happens around a training",
    "evaluation": "what is measured and drawn at the end",
    "logger": "where numbers and figures go",
    "sweep": "how the jobs of a sweep are chosen",
    "method": "methods of a resonant search",
    "experiment": "settings that belong together, such as an exercise or a study",
    "debug": "short runs that look for mistakes",
    "paths": "where files go",
    "presets": "layouts of public formats, for `hepad.convert`",
}
"""Groups in the order in which they are shown, and what each chooses."""

_MARKUP: Final = re.compile(r"([\\*_\[\]<>|#$~{}])")
_PACKAGES: Final = {"loss": "model.loss", "experiment": "", "debug": ""}
_COMMANDS: Final = {"method": "search", "presets": "convert"}


@cache
def options_of(group: str) -> tuple[str, ...]:
    """Return the options of a group.

    >>> from scripts.site.config_pages import options_of
    >>> "vae" in options_of("model")
    True
    """
    return tuple(sorted(file.stem for file in _files(group)))


def _files(group: str) -> list[Path]:
    # The other files of the directory `sweep` are for W&B's own sweeps.
    return [file for file in sorted((config_dir() / group).glob("*.yaml")) if not file.name.startswith("wandb_")]


def config_pages() -> dict[str, str]:
    """Return document → MyST text of the pages of all groups, of all commands, and of their index."""
    pages = {f"reference/config/{group}": group_page(group) for group in GROUPS}
    pages["reference/config/commands"] = commands_page()
    return {"reference/config/index": _index(), **pages}


def _index() -> str:
    listed = [f"| [`{group}`]({group}.md) | {said} | {len(options_of(group))} |" for group, said in GROUPS.items()]
    return "\n".join(
        [
            "# Configs",
            "",
            "Made of the YAML files and of the table of keys when this site was built. An option is chosen by",
            "`GROUP=OPTION`, a key set by `KEY=VALUE` behind the command; `--help` shows the same on a terminal.",
            "",
            "| group | chooses | options |",
            "|---|---|---|",
            *listed,
            "",
            "The keys that belong to no group: [commands](commands.md).",
            "",
            _toctree(["commands", *GROUPS]),
        ]
    )


def group_page(group: str) -> str:
    """Return the page of one group."""
    lines = [f"# {group}", "", f"{escaped(GROUPS[group].capitalize())}.", ""]
    for file in _files(group):
        lines += [f"## {file.stem}", "", *_option(group, file.read_text(encoding="utf-8"))]
    return "\n".join(lines)


def _option(group: str, text: str) -> Iterator[str]:
    if group == "presets":
        # A preset is a file of its own kind, a whole of expressions, without keys that a user sets.
        yield from [escaped(about(text)), "", "```yaml", _without_head(text), "```", ""]
        return
    if said := about(text):
        yield from [escaped(said), ""]
    plain = yaml.safe_load(text) or {}
    defaults = plain.pop("defaults", [])
    if bases := [entry for entry in defaults if isinstance(entry, str) and entry != "_self_"]:
        yield from [f"Has the keys of {', '.join(f'`{group}={base}`' for base in bases)}, and sets these:", ""]
    if chosen := list(_choices(defaults)):
        yield from [f"Chooses {', '.join(f'`{word}`' for word in chosen)}.", ""]
    package = _PACKAGES.get(group, group)
    yield from _keys(text, plain, package, _COMMANDS.get(group, "train"))


def commands_page() -> str:
    """Return the page of the keys that stand in the commands' own configs."""
    lines = ["# Commands", "", "Keys of each command that belong to no group.", ""]
    for command in COMMAND_KEYS:
        text = (config_dir() / f"{command}.yaml").read_text(encoding="utf-8")
        plain = yaml.safe_load(text)
        groups = [name for entry in plain.pop("defaults", []) if isinstance(entry, dict) for name in entry]
        lines += [f"## hepad {command}", "", escaped(about(text)), ""]
        own = [f"[`{group}`]({group}.md)" for group in groups if group in GROUPS]
        if own:
            lines += [f"Groups: {', '.join(own)}.", ""]
        plain.pop("hydra", None)
        lines += list(_keys(text, plain, "", command))
    return "\n".join(lines)


def about(text: str) -> str:
    """Return what the comment at the top of a YAML file says.

    >>> from scripts.site.config_pages import about
    >>> about("# @package model.loss\\n# Squares,\\n# averaged.\\nweight: 1 # of all")
    'Squares, averaged.'
    """
    head = re.match(r"(?:#.*\n)*", text)
    lines = [line.lstrip("#").strip() for line in (head[0] if head else "").splitlines()]
    return " ".join(line for line in lines if not line.startswith("@package"))


def _without_head(text: str) -> str:
    return re.sub(r"^(?:#.*\n)*", "", text).strip()


def _choices(defaults: list[Any]) -> Iterator[str]:
    for entry in defaults:
        if isinstance(entry, dict):
            for name, option in entry.items():
                group = re.sub(r"^override\s+|^optional\s+|^/|@.*$", "", re.sub(r"^override\s+", "", name))
                yield f"{group.lstrip('/')}={shown(option)}"


def _keys(text: str, plain: Mapping[str, Any], package: str, command: str) -> Iterator[str]:
    values = dict(_flat(plain, _package_of(text, package)))
    comments = keys_of(text, package)
    for key, value in values.items():
        said = comments.get(key, "") or _comment_above(key, comments)
        kind = find_kind(key.split("."), command)
        parts = []
        if key.endswith("_target_"):
            said = "the class that is built"
        if said:
            parts.append(escaped(said))
        # Options that the comment lists are those of this model or loss, the table's those of all.
        listed = " | " in said and kind is not None and kind.needed.startswith("one of")
        if kind is not None and kind.needed and not listed and not key.endswith("_target_"):
            parts.append(f"*{escaped(kind.needed)}*")
        yield f"`{key}` = `{_code(shown(value))}`"
        yield f": {'; '.join(parts) or 'as it says'}"
        yield ""


def _package_of(text: str, package: str) -> str:
    if match := re.search(r"^#\s*@package\s+(\S+)", text, re.MULTILINE):
        return "" if match[1] == "_global_" else match[1]
    return package


def _comment_above(key: str, comments: Mapping[str, str]) -> str:
    """Return the comment of the section that a key without one of its own stands in."""
    return comments.get(key.rpartition(".")[0], "")


def _flat(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping) and value:
            yield from _flat(value, key)
        else:
            yield key, value


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def escaped(text: str) -> str:
    """Return a plain text as MyST shows it unchanged, but for what stands in backticks.

    >>> from scripts.site.config_pages import escaped
    >>> escaped("a_b * `c_d` | <e>")
    'a\\\\_b \\\\* `c_d` \\\\| \\\\<e\\\\>'
    """
    parts = text.split("`")
    plain = [_MARKUP.sub(r"\\\1", part) for part in parts]
    if len(parts) % 2 == 0:
        # A backtick that is not closed is a character.
        return "\\`".join(plain)
    return "`".join(parts[n] if n % 2 else plain[n] for n in range(len(parts)))


def _toctree(documents: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", "", *documents, "```"])
