"""Pages of the Python interface: public names, whose docstrings autodoc reads, and the modules of all rooms."""

import ast
import importlib
import inspect
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

import hepad

BESIDE: Final = ("hepad.core.batch", "hepad.core.schema")


@cache
def packages() -> list[str]:
    """Return the packages with public names.

    >>> from scripts.site.api_pages import packages
    >>> "hepad.metrics" in packages()
    True
    """
    found = []
    for module in pkgutil.iter_modules(hepad.__path__, "hepad."):
        if module.ispkg and getattr(importlib.import_module(module.name), "__all__", ()):
            found.append(module.name)
    return sorted([*found, *BESIDE])


def api_pages() -> dict[str, str]:
    """Return document → reStructuredText of the pages of all packages, of the list of modules, and of their index."""
    pages = {f"reference/api/{name}": package_page(name) for name in packages()}
    index = "\n".join(
        [
            "In Python",
            "=========",
            "",
            "Every public name, by the package that it is imported from; each example is run by the tests.",
            "How the packages hang together is in docs/architecture.md, a session that uses them in",
            "docs/in_a_notebook.md.",
            "",
            ".. toctree::",
            "   :maxdepth: 1",
            "",
            "   hepad",
            *(f"   {name}" for name in packages()),
            "   modules",
            "",
        ]
    )
    pages |= {"reference/api/hepad": _first_page(), "reference/api/modules": modules_page()}
    return {"reference/api/index": index, **pages}


def _first_page() -> str:
    lines = [*_title("hepad"), ".. py:module:: hepad", "", "``import hepad`` is enough for these.", ""]
    shown = {"train": "hepad.python.train", "load_run": "hepad.run.load_run", "Detector": "hepad.python.Detector"}
    shown |= {
        "load_pretrained": "hepad.run.load_pretrained",
        "list_pretrained": "hepad.run.list_pretrained",
    }
    for name, full in shown.items():
        lines += [f"- ``hepad.{name}`` is :py:obj:`{full}`"]
    return "\n".join([*lines, ""])


def package_page(name: str) -> str:
    """Return the page of one package: its own docstring, then each of its public names."""
    module = importlib.import_module(name)
    lines = [*_title(name), f".. automodule:: {name}", "   :no-members:", ""]
    for public in public_names(module):
        value = getattr(module, public)
        if inspect.isclass(value):
            inherits = ["   :show-inheritance:"] if value.__bases__ != (object,) else []
            lines += [f".. autoclass:: {name}.{public}", "   :members:", *inherits, *_inherited(value), ""]
        elif callable(value) and getattr(value, "__doc__", None):
            lines += [f".. autofunction:: {name}.{public}", ""]
    return "\n".join(lines)


def _inherited(value: type) -> list[str]:
    """Return the option that shows what a class has from bases of hepad that no page shows: `Run` is made of parts."""
    public = {name for package in packages() for name in public_names(importlib.import_module(package))}
    hidden = [base.__module__.startswith("hepad.") and base.__name__ not in public for base in value.__bases__]
    # Not what torch and Lightning give to their modules.
    own = all(base.__module__.startswith("hepad.") for base in value.__mro__[:-1])
    return ["   :inherited-members: object"] if own and all(hidden) else []


def public_names(module: ModuleType) -> list[str]:
    """Return the public names of a package, or of a module those that are its own.

    >>> import hepad.losses
    >>> from scripts.site.api_pages import public_names
    >>> "Huber" in public_names(hepad.losses)
    True
    """
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]
    return list(getattr(module, "__all__", own))


def modules_page() -> str:
    """Return the list of all modules, room by room, each with the first line of its docstring."""
    lines = [*_title("All modules"), "One idea a file; the file is named after it.", ""]
    root = Path(hepad.__path__[0])
    rooms = sorted({path.parent for path in root.rglob("*.py") if "__pycache__" not in path.parts})
    for room in rooms:
        name = ".".join(["hepad", *room.relative_to(root).parts])
        files = sorted(room.glob("*.py"))
        listed = [(f"{name}.{file.stem}", _first_line(file)) for file in files if not file.stem.startswith("__")]
        if not listed:
            continue
        about = [_first_line(room / "__init__.py"), ""] if (room / "__init__.py").is_file() else []
        lines += [name, "-" * len(name), "", *about, ".. list-table::", "   :widths: 30 70", ""]
        for module, said in listed:
            lines += [f"   * - ``{module}``", f"     - {said}"]
        lines.append("")
    return "\n".join(lines)


def _first_line(file: Path) -> str:
    from scripts.site.docstrings import rst_line

    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return rst_line(" ".join(said.split("\n\n")[0].split()))


def _title(text: str) -> list[str]:
    return [text, "=" * len(text), ""]
