"""What `--help` prints for commands with a config of their own: its keys, with their comments.

Hydra's own page lists every group in the directory of configs, most of which belong to `hepad.train` alone, and drops
the comments. It remains for `hepad.train`, whose config is made of groups.
"""

import re
from collections.abc import Sequence

import yaml

from hepad.config import config_dir

_FLAGS = frozenset({"-h", "--help"})


def wants_help(words: Sequence[str], config_name: str) -> bool:
    """Whether a command line asks for the page that `command_help` makes."""
    return config_name != "train" and not _FLAGS.isdisjoint(words)


def command_help(config_name: str) -> str:
    """Return how a command is called, the groups it has, and its keys as the config file explains them."""
    text = (config_dir() / f"{config_name}.yaml").read_text(encoding="utf-8")
    # Sections for Hydra, up to the next line that is not indented.
    text = re.sub(r"^(defaults|hydra):.*\n(?:[ \t].*\n?)*", "", text, flags=re.MULTILINE)
    head, _, keys = text.partition("\n\n") if text.startswith("#") else ("", "", text)
    if not all(line.startswith("#") for line in head.splitlines()):
        head, keys = "", text
    about = [line.removeprefix("#").strip() for line in head.splitlines()]
    groups = [f"{name}: {', '.join(options)}" for name, options in _groups(config_name).items()]
    parts = [
        "\n".join([*about, f"usage: hepad {config_name} KEY=VALUE …"]),
        *(["\n".join(["groups (GROUP=OPTION), with keys of their own:", *groups])] if groups else []),
        f"keys:\n{keys.strip()}",
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts))


def _groups(config_name: str) -> dict[str, list[str]]:
    """Return group → options, of the groups in a config's defaults list."""
    defaults = yaml.safe_load((config_dir() / f"{config_name}.yaml").read_text(encoding="utf-8"))["defaults"]
    names = [
        name for entry in defaults if isinstance(entry, dict) for name in entry if not name.startswith("override ")
    ]
    return {name: sorted(path.stem for path in (config_dir() / name).glob("*.yaml")) for name in names}
