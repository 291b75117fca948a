"""The package that a new part goes into: an existing one, as its pyproject.toml says, or a new one."""

import re
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final

from hepad.core.errors import UserError

_NO_PACKAGES: Final = ("tests", "test", "docs", "scripts")


@dataclass(frozen=True)
class OwnPackage:
    """A package of the user's own.

    Attributes:
        project: the directory of its pyproject.toml.
        name: as Python imports it.
        root: the directory of its files.
        settings: what its pyproject.toml holds; None where there is none yet.
    """

    project: Path
    name: str
    root: Path
    settings: dict[str, Any] | None

    @property
    def distribution(self) -> str:
        """The name as pip knows it."""
        return self.name.replace("_", "-")

    def table(self, *names: str) -> dict[str, Any]:
        """Return a table of its pyproject.toml; empty where it is not there."""
        found: Any = self.settings
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}


def find_package(project: Path) -> OwnPackage:
    """Find out what the package in a directory is called and where its files are.

    Raises:
        UserError: it cannot be told, or the name of the directory cannot name a package.
    """
    try:
        is_there = project.exists()
    except OSError as error:
        raise UserError(f"package={project}: {error.strerror}; choose another directory") from error
    if is_there and not project.is_dir():
        raise UserError(f"package={project} is a file; the directory of your package is needed")
    if not is_there and not project.absolute().parent.is_dir():
        raise UserError(f"package={project}: there is no directory {project.absolute().parent}; make it first")
    file = project / "pyproject.toml"
    if not file.exists():
        name = _importable(project.resolve().name)
        _check_free(name, project)
        return OwnPackage(project, name, _root(project, name) or project / "src" / name, None)
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {file}: {' '.join(str(error).split())}") from error
    declared = settings.get("project")
    name = _importable(str(declared.get("name", "") if isinstance(declared, dict) else ""))
    if name == "hepad":
        raise UserError(
            f"{project.resolve()} is hepad itself, where CONTRIBUTING.md says what to touch; package=DIR is for a "
            "package of your own"
        )
    if (root := _root(project, name)) is not None:
        return OwnPackage(project, name, root, settings)
    roots = _packages(project)
    if len(roots) != 1:
        listed = f"several packages: {', '.join(sorted(root.name for root in roots))}" if roots else "no package"
        raise UserError(
            f"{project.resolve()} holds {listed}; the one that its pyproject.toml names is needed, src/{name}/ with an "
            "__init__.py"
        )
    return OwnPackage(project, roots[0].name, roots[0], settings)


def _importable(text: str) -> str:
    return re.sub(r"[-. ]+", "_", text).lower()


def _check_free(name: str, project: Path) -> None:
    """Raise `UserError` for the name of a directory that cannot name a new package."""
    fix = "choose another directory, such as package=my_anomalies"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name):
        raise UserError(f"package={project}: {project.resolve().name!r} cannot name a package of Python; {fix}")
    if name in sys.stdlib_module_names or name in _NO_PACKAGES:
        raise UserError(f"package={project}: {name!r} means something else to Python; {fix}")
    spec = find_spec(name)
    if spec is not None and not any(Path(place).is_relative_to(project.resolve()) for place in _places(spec)):
        raise UserError(f"package={project}: a package {name!r} is installed already; {fix}")


def _places(spec: Any) -> list[str]:
    return [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]


def _root(project: Path, name: str) -> Path | None:
    found = (project / "src" / name, project / name)
    return next((root for root in found if name and (root / "__init__.py").is_file()), None)


def _packages(project: Path) -> list[Path]:
    found = [file.parent for below in ("src/*", "*") for file in project.glob(f"{below}/__init__.py")]
    return [root for root in found if root.name not in _NO_PACKAGES]
