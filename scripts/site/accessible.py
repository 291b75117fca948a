"""Attributes that the theme's pages lack for screen readers and keyboards, as axe-core names them."""

from pathlib import Path
from typing import Any, Final

ATTRIBUTES: Final = {
    # Sphinx makes a caption of a list of pages a heading and gives it no level.
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    # Furo has two landmarks of one kind.
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    # What is wider than its box can be scrolled by keys where it can have the focus.
    "<pre>": '<pre tabindex="0">',
}
"""What is written → what takes its place."""


def accessible(page: str) -> str:
    """Return a page with the attributes that it lacks; one that has them stays as it is.

    >>> from scripts.site.accessible import accessible
    >>> accessible("<pre>make site</pre>")
    '<pre tabindex="0">make site</pre>'
    """
    for written, wanted in ATTRIBUTES.items():
        page = page.replace(written, wanted)
    return page


def setup(app: Any) -> dict[str, Any]:
    """Mend every page when all are written."""
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mend(app: Any, error: Exception | None) -> None:
    if error is not None:
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if (mended := accessible(page)) != page:
            path.write_text(mended, encoding="utf-8")
