"""Names and arguments of pyod's detectors, read from its files: nothing of pyod's is imported."""

import ast
import difflib
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from hepad.core.errors import UserError

INSTALL: Final = 'model=pyod needs pyod: pip install "hepad[pyod]"'

_BASES: Final = ("BaseDetector", "BaseDeepLearningDetector")
_OTHER_INPUT: Final = {
    "pyg_": "graphs",
    "ts_": "time series",
    "audio_": "sounds",
    "embedding": "texts and pictures",
    "xgbod": "labelled outliers",
    "devnet": "labelled outliers",
    "lscp": "a list of other detectors",
    "suod": "a list of other detectors",
}
"""Beginning of a module's name → what its detectors take in place of a table."""


class Detector(NamedTuple):
    """A detector of pyod's.

    Attributes:
        name: of its class.
        module: where that is.
        arguments: what it takes.
    """

    name: str
    module: str
    arguments: tuple[str, ...]


def find_detector(name: str, parameters: Mapping[str, Any]) -> Detector:
    """Return the detector of a name, in capitals or not.

    Args:
        name: of its class, such as `ECOD`.
        parameters: its arguments, such as `{n_neighbors: 20}`.

    Raises:
        UserError: pyod is not installed, has no such detector, or one that takes something else than a table, or has no
            such argument.
    """
    known = _detectors()
    found = next((each for each in known.values() if each.name.lower() == name.lower()), None)
    if found is None:
        by_small = {each.lower(): each for each in known}
        near = [by_small[each] for each in difflib.get_close_matches(name.lower(), by_small, n=3, cutoff=0.5)]
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        fitting = sorted(each.name for each in known.values() if _needs(each) is None)
        raise UserError(f"model.detector={name}: pyod has no such detector; {hint}It has {', '.join(fitting)}")
    if (needed := _needs(found)) is not None:
        raise UserError(f"model.detector={found.name} takes {needed}, not a table; choose another, such as ECOD or KNN")
    for key in parameters:
        if key not in found.arguments:
            near = difflib.get_close_matches(key, found.arguments, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(
                f"model.parameters.{key}: {found.name} has no such argument; {hint}It has {', '.join(found.arguments)}"
            )
    return found


def _needs(detector: Detector) -> str | None:
    """Return the input that a detector takes in place of a table; None where it takes one."""
    return next((what for start, what in _OTHER_INPUT.items() if detector.module.startswith(start)), None)


@cache
def _detectors() -> dict[str, Detector]:
    spec = importlib.util.find_spec("pyod")
    if spec is None or spec.origin is None:
        raise UserError(INSTALL)
    found: dict[str, Detector] = {}
    for path in sorted((Path(spec.origin).parent / "models").glob("*.py")):
        text = "" if path.stem.startswith(("base", "_")) else path.read_text(encoding="utf-8")
        if not any(f"({base}" in text for base in _BASES):
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", None) in _BASES for base in node.bases):
                found.setdefault(node.name, Detector(node.name, path.stem, _arguments(node)))
    return found


def _arguments(node: ast.ClassDef) -> tuple[str, ...]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return tuple(each.arg for each in [*part.args.args[1:], *part.args.kwonlyargs])
    return ()
