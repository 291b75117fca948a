"""Places of the project's pages in the site: a path in the checkout and the name of the document made of it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
SOURCE: Final = ROOT / "build" / "site-source"
SITE: Final = ROOT / "build" / "site"

BESIDE_DOCS: Final = {
    "README.md": "index",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    "SECURITY.md": "security",
    "CODE_OF_CONDUCT.md": "code_of_conduct",
    "src/hepad/bundled/README.md": "bundled",
    **{
        card.relative_to(ROOT).as_posix(): f"pretrained/{card.parent.name}/card"
        for card in sorted((ROOT / "hepad-models").glob("*/README.md"))
    },
}
"""Pages outside docs/ and their documents; the README is the site's first page in other words, docs/index.md."""


def document_of(path: str, beside: str = "") -> str | None:
    """Return the document of a page as the project's texts name it; None where there is none.

    Args:
        path: `docs/metrics.md`, `CONTRIBUTING.md`, `README`, or a page of docs/ alone, such as `metrics.md`.
        beside: the document that says so: pages in its folder are found by their name alone.

    >>> from scripts.site.places import document_of
    >>> document_of("docs/models/vae.md"), document_of("README"), document_of("vae.md", "models/gan")
    ('models/vae', 'index', 'models/vae')
    >>> document_of("docs/nothing.md") is None
    True
    """
    if path == "README":
        return "index"
    if path in BESIDE_DOCS:
        return BESIDE_DOCS[path]
    name = path.removeprefix("docs/")
    folders = ["."] if path.startswith("docs/") else [str(Path(beside).parent), "."]
    for folder in folders:
        if name.endswith(".md") and (DOCS / folder / name).is_file():
            return (Path(folder) / name).with_suffix("").as_posix()
    return None
