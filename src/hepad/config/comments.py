"""Comments of the YAML files: groups, options, and the comment of every key."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from hepad.core.errors import UserError


def groups_of(text: str, directories: Sequence[Path]) -> dict[str, list[str]]:
    """Return group → options, of the groups in a config's defaults list and of those of the user's own directories."""
    defaults = yaml.safe_load(text)["defaults"]
    names = [name for entry in defaults if isinstance(entry, dict) for name in entry if not name.startswith("override")]
    return {name: sorted({file.stem for file in option_files(name, directories)}) for name in names}


def option_files(group: str, directories: Sequence[Path]) -> list[Path]:
    """Return the YAML files of a group's options, directory by directory."""
    files = (file for directory in directories for file in sorted((directory / group).glob("*.yaml")))
    # The other files of the directory `sweep` are for W&B's own sweeps.
    return [file for file in files if not file.name.startswith("wandb_")]


def read_config_text(file: Path) -> str:
    """Return the text of a YAML file of the user's own; raise `UserError` where there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {file}: it is not UTF-8; write it anew") from error
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}; mend it, or take it out of the directory") from error


def is_of(key: str, group: str) -> bool:
    """Return whether a key is one of a group's own section; an option may set keys of other sections, for itself."""
    return key.startswith({"loss": "model.loss.", "method": "methods."}.get(group, f"{group}."))


def comments_of(text: str, package: str) -> dict[str, str]:
    """Return dotted key → comment, of the keys of one YAML file that have one."""
    return {key: said for key, said in keys_of(text, package).items() if said}


def keys_of(text: str, package: str) -> dict[str, str]:
    """Return dotted key → comment, of the lines of one YAML file: behind the key, or in the lines above it, else empty.

    Args:
        text: the file.
        package: where its keys are placed in the config, unless the file says so itself (`# @package`).
    """
    if match := re.search(r"^#\s*@package\s+(\S+)", text, re.MULTILINE):
        package = "" if match.group(1) == "_global_" else match.group(1)
    found: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    above: list[str] = []
    seen = False
    for line in text.splitlines():
        if not line.strip():
            # A comment set off by an empty line is about the file.
            above, seen = above if seen else [], True
            continue
        if line.strip().startswith("#"):
            above.append(line.strip().removeprefix("#").strip())
            continue
        match = re.match(r"(\s*)([\w./@]+):(?:\s+(.*))?$", line)
        if match is None:
            above = []
            continue
        indent, name, rest = len(match.group(1)), match.group(2), match.group(3) or ""
        parents = [parent for parent in parents if parent[0] < indent]
        key = ".".join([*([package] if package else []), *(parent[1] for parent in parents), name])
        behind = re.search(r"(?:^|\s)#\s*(.*)$", rest)
        said = behind.group(1) if behind else " ".join(above) if seen else ""
        seen = True
        found[key] = said
        parents.append((indent, name))
        above = []
    return found


def comment_of(key: str, comments: Mapping[str, str]) -> str:
    """Return the comment of a key; a loss that is a part of something has the comments of the loss alone."""
    return comments.get(key) or comments.get(re.sub(r"^.*\.loss\.(?!loss\.)", "model.loss.", key), "")
