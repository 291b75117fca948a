"""Docstrings begin with a noun or a verb, as CONTRIBUTING.md asks, and not with a question that nobody asked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hepad

PACKAGE = Path(hepad.__file__).parent
PLACES = [PACKAGE, PACKAGE.parent / "hydra_plugins", Path(__file__).parents[2] / "scripts"]
QUESTION = re.compile(r"(?:What|How|Whether|Where|Which|Why|Who|Whose|When)\b")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the docstring of a module, and of each class and function in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                yield node.body[0].lineno, text


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_docstrings_begin_with_a_noun_or_a_verb(place):
    questions = [
        f"{path.relative_to(place)}:{line}: {text.splitlines()[0]}"
        for path in sorted(place.rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if QUESTION.match(text)
    ]
    assert questions == []


def test_a_question_is_found_in_modules_classes_and_functions():
    source = '"""What it is."""\nclass A:\n    """How it is."""\n    def f(self):\n        """Whatever it is."""\n'
    assert [(line, bool(QUESTION.match(text))) for line, text in docstrings(source)] == [
        (1, True),
        (3, True),
        (5, False),
    ]
