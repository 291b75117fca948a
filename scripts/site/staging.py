"""Sources of the site: a copy of the project's pages, and the pages that are made of the code."""

from pathlib import Path
from typing import Final

import jupytext
from scripts.site.api_pages import api_pages
from scripts.site.config_pages import config_pages
from scripts.site.places import BESIDE_DOCS, DOCS, ROOT, SOURCE
from scripts.tutorials.notebooks import NAMES, page_with_outputs

REFERENCE: Final = (
    "Made of the code when this site was built: [every config key](reference/config/index.md) and "
    "[the Python interface](reference/api/index.rst)."
)
"""Stands in docs/index.md in place of `<!-- reference -->`: elsewhere there are no such pages."""

_COPIED: Final = (".md", ".png", ".svg")
_NOTEBOOK: Final = "\n\n{{download}}`This page as a notebook <{name}.ipynb>`\n"


def stage(source: Path = SOURCE) -> int:
    """Write all sources of the site; return how many there are.

    Files that are as they were are not touched, so that Sphinx reads anew only what has changed.

    Args:
        source: the directory that they are written to; whatever else is in it is removed.
    """
    files = {source / name: content for name, content in sources().items()}
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in source.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    return len(files)


def sources() -> dict[str, bytes]:
    """Return path → content of every source of the site."""
    found = {
        path.relative_to(DOCS).as_posix(): path.read_bytes()
        for path in sorted(DOCS.rglob("*"))
        if path.suffix in _COPIED and path.is_file() and "_static" not in path.parts
    }
    found |= {f"{document}.md": (ROOT / path).read_bytes() for path, document in BESIDE_DOCS.items()}
    found |= {
        f"pretrained/{path.relative_to(ROOT / 'hepad-models').as_posix()}": path.read_bytes()
        for path in sorted((ROOT / "hepad-models").glob("*/plots/*.png"))
    }
    first = (DOCS / "index.md").read_text(encoding="utf-8")
    found["index.md"] = first.replace("<!-- reference -->", REFERENCE).encode()
    for name in NAMES:
        text = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")
        title, _, rest = page_with_outputs(name, text).partition("\n")
        found[f"tutorials/{name}.md"] = f"{title}{_NOTEBOOK.format(name=name)}{rest}".encode()
        found[f"tutorials/{name}.ipynb"] = notebook(text).encode()
    found |= {f"{document}.md": text.encode() for document, text in config_pages().items()}
    found |= {f"{document}.rst": text.encode() for document, text in api_pages().items()}
    return found


def notebook(text: str) -> str:
    """Return a tutorial as the text of an `.ipynb` file, without outputs."""
    read = jupytext.reads(text, fmt="md")
    read.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(read.cells):
        # As jupytext draws them at random each building would be another.
        cell["id"] = f"cell-{number}"
    return str(jupytext.writes(read, fmt="ipynb"))
