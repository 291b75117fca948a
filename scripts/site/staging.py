"""Sources of the site: a copy of the project's pages, and the pages that are made of the code."""

import shutil
from pathlib import Path

from scripts.site.api_pages import api_pages
from scripts.site.config_pages import config_pages
from scripts.site.places import BESIDE_DOCS, DOCS, ROOT, SOURCE


def stage(source: Path = SOURCE) -> int:
    """Write all sources of the site; return how many there are.

    Files that are as they were are not touched, so that Sphinx reads anew only what has changed.
    """
    files: dict[Path, bytes] = {}
    for path in sorted(DOCS.rglob("*")):
        if path.is_file() and path.suffix in (".md", ".png", ".svg") and path.relative_to(DOCS).parts[0] != "_static":
            files[source / path.relative_to(DOCS)] = path.read_bytes()
    for path_, document in BESIDE_DOCS.items():
        if path_ != "README.md":
            files[source / f"{document}.md"] = (ROOT / path_).read_bytes()
    for document, text in config_pages().items():
        files[source / f"{document}.md"] = text.encode()
    for document, text in api_pages().items():
        files[source / f"{document}.rst"] = text.encode()
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in source.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    return len(files)


def clean(source: Path = SOURCE) -> None:
    """Remove the sources."""
    shutil.rmtree(source, ignore_errors=True)
