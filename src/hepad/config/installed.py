"""Models, losses and data of installed packages: found by their entry points, without importing the packages.

A package declares `mine = "my_package.mine:MyModel"` in the group `hepad.models` (`hepad.losses`, `hepad.data`) of its
entry points, and ships `my_package/hepad_configs/model/mine.yaml`. Then `model=mine` is an option like hepad's own.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

ENTRY_POINTS: Final = {"model": "hepad.models", "loss": "hepad.losses", "data": "hepad.data"}
"""Group of options → group of entry points."""

CONFIGS: Final = "hepad_configs"
"""The directory, in the package of an entry point, of its YAML."""

_NAMED: Final = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*:\s*([A-Za-z_]\w*)")


@dataclass(frozen=True)
class InstalledOption:
    """An option that an installed package brings.

    Attributes:
        group: `model`, `loss` or `data`.
        name: of the option.
        target: the `_target_` that it may build; empty where the entry point names no class.
        package: what was installed, as pip calls it.
        directory: its directory of configs; None where its package cannot be found.
        problem: why the option cannot be used; empty where it can.
    """

    group: str
    name: str
    target: str
    package: str
    directory: Path | None
    problem: str = ""


@cache
def installed_options() -> tuple[InstalledOption, ...]:
    """Return the options of all installed packages, also those that cannot be used."""
    return tuple(
        _option(group, entry.name, entry.value, package)
        for package, entries in _distributions()
        for group, entry_points in ENTRY_POINTS.items()
        for entry in entries.select(group=entry_points)
    )


def installed_config_dirs() -> list[Path]:
    """Return the directories where installed packages keep the YAML of their options."""
    found = (option.directory for option in installed_options())
    return [directory for directory in dict.fromkeys(found) if directory is not None and directory.is_dir()]


def installed_targets(group: str | None = None) -> dict[str, InstalledOption]:
    """Return `_target_` → the option of an installed package that it belongs to, of one group or of all."""
    options = (option for option in installed_options() if option.target and group in (None, option.group))
    return {option.target: option for option in options}


def _option(group: str, name: str, value: str, package: str) -> InstalledOption:
    declared = f"{package} declares it as {value}"
    match = _NAMED.fullmatch(value.strip())
    if match is None:
        return InstalledOption(group, name, "", package, None, f"{declared}; module:Class is needed")
    target = ".".join(match.groups())
    top = match.group(1).partition(".")[0]
    places = _directories(top)
    if not places:
        problem = f"{declared}, but Python finds no package {top}; install {package} again"
        return InstalledOption(group, name, target, package, None, problem)
    wanted = f"{CONFIGS}/{group}/{name}.yaml"
    place = next((place for place in places if (place / wanted).is_file()), places[0])
    missing = f"{package} declares it, but brings no {place / wanted}; its package data must include that file"
    return InstalledOption(group, name, target, package, place / CONFIGS, "" if (place / wanted).is_file() else missing)


def _directories(top: str) -> list[Path]:
    """Return the directories of a package; finding a package that is not inside another one imports nothing."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return []
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _distributions() -> Iterator[tuple[str, "EntryPoints"]]:
    """Yield name and entry points of every installed package with entry points for hepad.

    Looked for by hand: `importlib.metadata` takes as long to import as all the files take to read, and where nothing is
    installed nobody needs it.
    """
    seen: set[str] = set()
    for place in _search_path():
        for directory in _metadata_directories(place):
            try:
                text = (directory / "entry_points.txt").read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if not any(f"[{group}]" in text for group in ENTRY_POINTS.values()):
                continue
            from importlib.metadata import PathDistribution

            try:
                entries = PathDistribution(directory).entry_points
            # A line without `=`, which pip would not have written.
            except (TypeError, ValueError):
                continue
            name = re.split(r"-\d|\.(?:dist|egg)-info$", directory.name)[0].replace("_", "-").lower()
            # An editable install may be found twice.
            if name not in seen:
                seen.add(name)
                yield name, entries


def _search_path() -> Iterator[str]:
    """Yield where Python looks for installed packages, but not the directory in which it was started.

    `python -m` puts that on the path; it may be a run's directory, and nothing in one may add to the allow-list.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = {os.path.realpath(place) for place in given if os.path.isabs(place)}
    try:
        here = os.getcwd()
    except OSError:
        here = ""
    for place in sys.path:
        if place and (os.path.realpath(place) != here or here in named):
            yield place


def _metadata_directories(place: str) -> list[Path]:
    try:
        with os.scandir(place) as found:
            return sorted(Path(entry.path) for entry in found if entry.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []
