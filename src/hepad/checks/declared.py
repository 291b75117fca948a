"""Attributes that hepad's own classes declare, read from their source: importing them takes torch, and seconds."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = "hepad"


class Declared:
    """A class of hepad by what its source says: names, flags and structures, without importing it.

    An attribute that is no plain value, or is not declared, is not there, as with any object. Of a method there is
    `declares`.

    Args:
        target: the `_target_` of the class.

    Raises:
        LookupError: no class of hepad.

    >>> from hepad.checks.declared import Declared
    >>> sorted(Declared("hepad.models.ConvAutoencoder").structures), Declared("hepad.data.CaloDataModule").kind
    (['image', 'volume'], 'calo')
    """

    def __init__(self, target: str) -> None:
        module, _, name = target.rpartition(".")
        if target.split(".")[0] != _PACKAGE:
            raise LookupError(target)
        self._lineage = list(_lineage(module, name))
        if not self._lineage:
            raise LookupError(target)
        self.__name__ = self._lineage[0][1].name

    def __getattr__(self, name: str) -> Any:
        """Return what the class, or the first of its bases that does, declares by that name."""
        if not name.startswith("_"):
            for _, found in self._lineage:
                for statement in found.body:
                    if (value := _assigned(statement, name)) is not None:
                        return _literal(value, name)
        raise AttributeError(name)

    def declares(self, method: str) -> bool:
        """Return whether the class or one of its bases defines a method."""
        bodies = (statement for _, found in self._lineage for statement in found.body)
        return any(isinstance(statement, ast.FunctionDef) and statement.name == method for statement in bodies)

    def derives_from(self, name: str) -> bool:
        """Return whether the class is one of that name, or derives from it."""
        return any(found.name == name for _, found in self._lineage)


def exported(package: str) -> Iterator[Declared]:
    """Yield the classes that a package of hepad exports.

    >>> from hepad.checks.declared import exported
    >>> "SSIM" in [found.__name__ for found in exported("hepad.losses")]
    True
    """
    for name in _module(package)[1]:
        try:
            yield Declared(f"{package}.{name}")
        except LookupError:
            continue


def _lineage(module: str, name: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the definition of a class and of its bases in hepad, in the order in which Python looks attributes up.

    That is depth first; hepad's classes share no base but those that declare nothing of what is asked for.
    """
    classes, imports = _module(module)
    if name in classes:
        yield module, classes[name]
        for base in classes[name].bases:
            if isinstance(base, ast.Name):
                yield from _lineage(module, base.id)
    elif name in imports:
        yield from _lineage(*imports[name])


@cache
def _module(name: str) -> tuple[dict[str, ast.ClassDef], dict[str, tuple[str, str]]]:
    """The classes that a module of hepad defines, and what it takes from others of hepad."""
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent.joinpath(*name.split(".")[1:])
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        return {}, {}
    body = ast.parse(file.read_bytes()).body
    classes = {found.name: found for found in body if isinstance(found, ast.ClassDef)}
    imports = {
        alias.asname or alias.name: (found.module, alias.name)
        for found in body
        if isinstance(found, ast.ImportFrom) and found.module and found.module.split(".")[0] == _PACKAGE
        for alias in found.names
    }
    return classes, imports


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    if isinstance(statement, ast.AnnAssign):
        targets: list[ast.expr] = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        return None
    return statement.value if any(isinstance(one, ast.Name) and one.id == name for one in targets) else None


def _literal(value: ast.expr, name: str) -> Any:
    is_set = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "frozenset"
    try:
        return frozenset(ast.literal_eval(value.args[0])) if is_set else ast.literal_eval(value)  # type: ignore[attr-defined]
    except (ValueError, IndexError) as error:
        raise AttributeError(name) from error
