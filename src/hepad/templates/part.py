"""A new model or loss: its names, its files, the lines of its entry point, and what to do next."""

import ast
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Final

from hepad.config import config_dir
from hepad.config.installed import CONFIGS, ENTRY_POINTS, installed_options
from hepad.core.errors import JobError, UserError
from hepad.core.files import atomic_write_text
from hepad.templates.own_package import OwnPackage, find_package

_HERE: Final = Path(__file__).parent
_LONGEST: Final = 40
_WORDS: Final = ("true", "false", "null", "yes", "no", "on", "off", "nan", "inf")
"""Words that `KEY=VALUE` or YAML reads as another value than a text."""


@dataclass(frozen=True)
class Part:
    """Files of a new model or loss, and the package that they go into.

    Attributes:
        kind: `model` or `loss`.
        name: of the option.
        class_name: of its class.
        package: where it goes.
        files: path → content.
    """

    kind: str
    name: str
    class_name: str
    package: OwnPackage
    files: dict[Path, str]

    def next_steps(self, python: str) -> Iterator[str]:
        """Yield the lines that a pyproject.toml which is there lacks, and the commands that come next."""
        if self.package.settings is not None:
            yield f"add to {self.package.project / 'pyproject.toml'}:"
            yield from (f"    {line}" if line else "" for line in self.missing_lines())
        project = self.package.project
        # Without a slash pip would look for a package of that name on PyPI.
        place = str(project) if project.is_absolute() or str(project) == "." else f"./{project}"
        yield "then:"
        yield f"    {python} -m pip install -e {shlex.quote(place)}"
        yield f"    {python} -m hepad.train {self.kind}={self.name}"
        yield f"    {python} -m pytest {shlex.quote(str(project / 'tests' / f'test_{self.name}.py'))}"

    def missing_lines(self) -> list[str]:
        """Return the lines to add to a pyproject.toml that is there: the entry point, and for setuptools the YAML."""
        group, package = ENTRY_POINTS[self.kind], self.package
        lines = [
            *([] if package.table("project", "entry-points", group) else [f'[project.entry-points."{group}"]']),
            f'{self.name} = "{package.name}.{self.name}:{self.class_name}"',
        ]
        if len(lines) == 1:
            lines.insert(0, f'# in [project.entry-points."{group}"]')
        data = package.table("tool", "setuptools", "package-data")
        built_by = str(package.table("build-system").get("build-backend", "setuptools"))
        if built_by.startswith("setuptools") and CONFIGS not in str(data):
            header = "# in [tool.setuptools.package-data]" if data else "[tool.setuptools.package-data]"
            lines += ["", header, f'{package.name} = ["{CONFIGS}/**/*.yaml"]']
        return lines


def plan_part(kind: str, name: str, project: Path) -> Part:
    """Return what to write for a new part; nothing is written.

    Args:
        kind: `model` or `loss`.
        name: of the option, such as `my_model`.
        project: the directory of the user's package.

    Raises:
        UserError: a name that cannot be one or is taken, a directory that is no package, or a file that is there.
    """
    class_name = "".join(part.capitalize() for part in name.split("_"))
    _check_name(kind, name, class_name)
    package = find_package(project)
    _check_not_installed(kind, name, package)
    words = {
        "kind": kind,
        "name": name,
        "class_name": class_name,
        "package": package.name,
        "distribution": package.distribution,
        "entry_points": ENTRY_POINTS[kind],
        "where": "." if package.root.parent == project else "src",
        "torch": "import torch\n" if kind == "loss" else "",
        "more": "",
    }
    if kind == "loss":
        words["more"] = _filled("test_of_loss.py", words)
    files = {
        package.root / f"{name}.py": _filled(f"{kind}.py", words),
        package.root / CONFIGS / kind / f"{name}.yaml": _filled(f"{kind}.yaml", words),
        project / "tests" / f"test_{name}.py": _filled("test.py", words),
    }
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already, and nothing was written; choose another name, or move it away")
    if not (package.root / "__init__.py").exists():
        files[package.root / "__init__.py"] = f'"""Models and losses of {package.name}, for hepad."""\n'
    if package.settings is None:
        files[project / "pyproject.toml"] = _filled("pyproject.toml", words)
    return Part(kind, name, class_name, package, files)


def write_part(part: Part) -> list[Path]:
    """Write all files and return their paths.

    Raises:
        JobError: one cannot be written; those that were are taken away again.
    """
    made: list[Path] = []
    try:
        for path, content in part.files.items():
            missing = [parent for parent in path.parents if not parent.exists()]
            for parent in reversed(missing):
                parent.mkdir()
                made.append(parent)
            atomic_write_text(path, content)
            made.append(path)
    except OSError as error:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise JobError(f"cannot write {error.filename}: {error.strerror}; nothing is left of it") from error
    return list(part.files)


def _filled(template: str, words: dict[str, str]) -> str:
    return Template((_HERE / f"{template}.txt").read_text(encoding="utf-8")).substitute(words)


def _names_of_test() -> set[str]:
    """Return the names that the test of a new part binds or uses itself: the part's own would stand for them."""
    words = dict.fromkeys(("kind", "name", "class_name", "package"), "_") | {"torch": "import torch\n", "more": ""}
    found: set[str] = set()
    for node in ast.walk(ast.parse(_filled("test.py", words) + _filled("test_of_loss.py", words))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name)
    return found


def _check_name(kind: str, name: str, class_name: str) -> None:
    """Raise `UserError` for what cannot name an option, a file and a class, or does so already."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > _LONGEST or iskeyword(name):
        raise UserError(
            f"{kind} {name!r}: a name of small letters, digits and '_' is needed that Python can import, such as "
            f"my_{kind}"
        )
    if name in _WORDS or iskeyword(class_name) or name in _names_of_test():
        raise UserError(
            f"{kind} {name!r} means something else on a command line, to Python or in the test to be written; choose "
            "another name"
        )
    if (config_dir() / kind / f"{name}.yaml").is_file():
        raise UserError(f"{kind} {name!r} is one of hepad's own ({kind}={name}); choose another name")
    if re.search(rf"\b{class_name}\b", (_HERE / f"{kind}.py.txt").read_text(encoding="utf-8")):
        raise UserError(f"{kind} {name!r}: its class would be {class_name}, which it needs itself; choose another name")


def _check_not_installed(kind: str, name: str, package: OwnPackage) -> None:
    for option in installed_options():
        if (option.group, option.name) == (kind, name) and option.package != package.distribution:
            raise UserError(f"{kind} {name!r}: the installed package {option.package} has it; choose another name")
