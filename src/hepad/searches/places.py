"""Searches in the directories that a user names, and the runs that must not be among them."""

import re
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.rundir.config_file import CONFIG, has_config
from hepad.rundir.parsing import read_yaml
from hepad.searches.record_file import is_search

_DEPTH: Final = 3
"""Levels below a directory at which searches are looked for."""
_BYTES: Final = 1 << 20


def find_searches(places: Sequence[str | Path]) -> tuple[list[Path], list[Path]]:
    """Return the searches that `places` mean, and those that are not finished; both empty where all hold runs.

    A place is a search's directory, a directory that holds searches, or a pattern. The stages of a search are its own.

    Raises:
        UserError: searches and runs are among them.
    """
    found: dict[Path, tuple[str, Path]] = {}
    for place in places:
        matches = [Path(place)] if Path(place).exists() else [Path(match) for match in sorted(glob(str(place)))]
        for match in matches:
            for kind, directory in _below(match, _DEPTH):
                found.setdefault(directory.resolve(), (kind, directory))
    of_kind: dict[str, list[Path]] = {"search": [], "unfinished": [], "run": []}
    for kind, directory in found.values():
        of_kind[kind].append(directory)
    searches = [*of_kind["search"], *of_kind["unfinished"]]
    if searches and of_kind["run"]:
        raise UserError(
            f"{searches[0]} is a search and {of_kind['run'][0]} a run, which have nothing to compare; name searches or "
            "runs alone"
        )
    return of_kind["search"], of_kind["unfinished"]


def _below(directory: Path, depth: int) -> Iterator[tuple[str, Path]]:
    if is_search(directory):
        yield "search", directory
    elif has_config(directory):
        yield ("unfinished" if _has_scan(directory) else "run"), directory
    elif depth and directory.is_dir():
        try:
            parts = sorted((path for path in directory.iterdir() if path.is_dir()), key=_natural)
        except OSError as error:
            raise UserError(f"cannot look into {directory}: {error.strerror}") from error
        for path in parts:
            yield from _below(path, depth - 1)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Key of names in the order of the numbers in them: `n30` before `n150`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"([0-9]{1,18})", path.name)]


def _has_scan(directory: Path) -> bool:
    """Return whether a config is that of a search; one that cannot be read is left to whoever reads runs."""
    try:
        config = read_yaml(directory / CONFIG, _BYTES)
    except UserError:
        return False
    return isinstance(config, dict) and "scan" in config and "model" not in config
