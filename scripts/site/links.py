"""Links of the site, checked in its HTML: pages, files and anchors are there, nothing is fetched from elsewhere."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_FETCHED: Final = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
_NOT_FETCHED: Final = {"canonical", "search", "index", "next", "prev", "author"}


class _Page(HTMLParser):
    """Anchors of a page, where its links lead, and what a browser fetches to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        for name, value in found.items():
            if (tag, name) in _FETCHED and found.get("rel", "") not in _NOT_FETCHED:
                self.fetched.append(value)


def problems(site: Path) -> list[str]:
    """Return a line for every link of a site that leads nowhere, and for whatever its pages fetch from elsewhere.

    Addresses of other sites are not looked up.

    Args:
        site: the directory of its pages.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    return [f"{path.relative_to(site)}: {said}" for path in pages for said in _problems_of(path, pages)]


def _problems_of(path: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    page = pages[path]
    for address in dict.fromkeys(page.fetched):
        if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
            yield f"fetches {address}"
    for address in dict.fromkeys([*page.links, *(a for a in page.fetched if not urlsplit(a).scheme)]):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_file():
            yield f"leads to {address}, which is not there"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"leads to {address}, an anchor that is not there"
