"""Tutorials as text: their names in order, their cells, and what is known of each cell's output."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
TUTORIALS: Final = ROOT / "docs" / "tutorials"
OUTPUTS: Final = TUTORIALS / "shown"
PICTURES: Final = ROOT / "docs" / "pictures" / "tutorials"
NAMES: Final = ("first_run", "own_data", "top_and_qcd", "dijet_search", "gans_and_latent_search", "run_to_trigger")
"""All tutorials, in the order in which they are read."""

_CELL: Final = re.compile(r"^```(?P<language>python|bash)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """A cell of code.

    Attributes:
        language: `python` or `bash`.
        code: its lines.
        end: where it ends in the page.
    """

    language: str
    code: str
    end: int


def cells_of(text: str) -> list[Cell]:
    """Return the cells of code of a page, which are the fenced blocks of Python and of a shell.

    >>> from scripts.tutorials.notebooks import cells_of
    >>> cells_of("Add.\\n\\n```python\\n1 + 1\\n```\\n")
    [Cell(language='python', code='1 + 1\\n', end=25)]
    """
    return [Cell(match["language"], match["code"], match.end()) for match in _CELL.finditer(text)]


def read_outputs(name: str) -> list[dict[str, Any]]:
    """Return what the cells of a tutorial showed when it was last run, cell by cell; nothing where it never was."""
    path = OUTPUTS / f"{name}.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"]) if path.is_file() else []


def changed_cell(name: str, text: str) -> int | None:
    """Return the first cell, from 0 on, whose code is not that which was run; None where all are."""
    outputs, cells = read_outputs(name), cells_of(text)
    for n, cell in enumerate(cells):
        if n >= len(outputs) or _meaning(outputs[n]["code"], cell) != _meaning(cell.code, cell):
            return n
    return None if len(outputs) == len(cells) else len(cells)


def page_with_outputs(name: str, text: str) -> str:
    """Return a tutorial's page with what each cell showed behind it, up to the first that was changed since."""
    outputs, changed = read_outputs(name), changed_cell(name, text)
    pieces, begin = [], 0
    for n, cell in enumerate(cells_of(text)[:changed]):
        pieces.append(text[begin : cell.end])
        begin = cell.end
        pieces += [_shown(output) for output in outputs[n]["shown"]]
    return "".join([*pieces, text[begin:]])


def problems() -> list[str]:
    """Return a line for every tutorial that has to be run again."""
    found = []
    for name in NAMES:
        changed = changed_cell(name, (TUTORIALS / f"{name}.md").read_text(encoding="utf-8"))
        if changed is not None:
            found.append(
                f"docs/tutorials/{name}.md: cell {changed + 1} was changed since it was run: make tutorials ARGS={name}"
            )
    return found


def _meaning(code: str, cell: Cell) -> str:
    """Return what a cell says, however it is laid out."""
    return ast.unparse(ast.parse(code)) if cell.language == "python" else code


def _shown(output: dict[str, str]) -> str:
    if output["kind"] == "picture":
        return f"\n\n![{output['alt']}](../pictures/tutorials/{output['file']})"
    if output["kind"] == "html":
        return f'\n\n```{{raw}} html\n<div class="output">{output["html"]}</div>\n```'
    return f"\n\n```{{code-block}} text\n:class: output\n\n{output['text']}\n```"
