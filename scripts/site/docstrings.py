"""A Sphinx extension: hepad's docstrings, plain text with code in backticks, as reStructuredText."""

import re
from typing import Any, Final

from sphinx.application import Sphinx

_SPECIAL: Final = re.compile(r"([\\*|_])")


def rst_line(line: str) -> str:
    """Return a line with its code in double backticks, and what else has a meaning in reStructuredText escaped.

    >>> from scripts.site.docstrings import rst_line
    >>> rst_line("the mean |x| of `x_hat` * 2")
    'the mean \\\\|x\\\\| of ``x_hat`` \\\\* 2'
    """
    pieces = re.split(r"(`+[^`]+`+)", line)
    return "".join(
        f"``{piece.strip('`')}``" if n % 2 else _SPECIAL.sub(r"\\\1", piece) for n, piece in enumerate(pieces)
    )


def to_rst(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText; examples stay as they are.

    >>> from scripts.site.docstrings import to_rst
    >>> to_rst(["Give `x`.", "", ">>> 2 * 3", "6"])
    ['Give ``x``.', '', '>>> 2 * 3', '6']
    """
    found = []
    example = False
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        found.append(line if example else rst_line(line))
    return found


def process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Rewrite a docstring before napoleon finds its sections."""
    lines[:] = to_rst(lines)
    if what in ("attribute", "property", "data"):
        # Napoleon would take what stands before a colon in the first line for a type.
        lines.insert(0, "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what rewrites docstrings."""
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
