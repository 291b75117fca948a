"""A Sphinx extension: what the project's texts mention in plain words becomes a link.

`docs/metrics.md`, also with the title of a section behind it (`docs/results.md, "Which model to take"`), `README` and
`CONTRIBUTING.md` lead to pages, `model=vae` and `hepad.metrics.roc_curve` in code to the reference, arXiv numbers to
arXiv. A section that is not there is a warning, which the build takes for an error.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from docutils import nodes
from scripts.site.config_pages import GROUPS, options_of
from scripts.site.places import document_of
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

LOGGER: Final = logging.getLogger(__name__)

_BESIDE: Final = r"(?:CONTRIBUTING|CHANGELOG|SECURITY|CODE_OF_CONDUCT|README)\.md|README"
PAGE: Final = rf"(?:docs/)?(?:[a-z0-9_]+/)?[a-z0-9_]+\.md|{_BESIDE}"
_IN_TEXT: Final = re.compile(
    rf"(?<![\w/.-])(?P<page>src/hepad/bundled/README\.md|{PAGE})(?![\w/])(?:,\s+\"(?P<title>[^\"]+)\")?"
    r"|arXiv:(?P<arxiv>\d{4}\.\d{4,5}|[a-z-]+/\d{7})"
)
_WHOLE_PAGE: Final = re.compile(PAGE)
_OPTION: Final = re.compile(rf"(?P<group>{'|'.join(GROUPS)})=(?P<option>\w+)")
_NAME: Final = re.compile(r"hepad(?:\.\w+)+(?:\(…?\))?")
_FIELD_DASH: Final = " -- "
"""Stands between an argument and its description, where Sphinx puts it."""

_NO_LINKS: Final = (nodes.reference, nodes.title, nodes.literal, nodes.literal_block, nodes.doctest_block, pending_xref)


class Mentions(SphinxTransform):
    """Links in place of what a page mentions."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Replace pieces of text, and whole pieces of code."""
        for text in list(self.document.findall(nodes.Text)):
            if str(text) == _FIELD_DASH:
                text.parent.replace(text, nodes.Text(" – "))
            elif not _is_inside(text, _NO_LINKS):
                pieces = list(self._pieces(str(text)))
                if len(pieces) > 1 or not isinstance(pieces[0], nodes.Text):
                    text.parent.replace(text, pieces)
        for code in list(self.document.findall(nodes.literal)):
            if not _is_inside(code, (nodes.reference, nodes.title, pending_xref)):
                link = self._link_of_code(code)
                if link is not None:
                    code.parent.replace(code, link)
                    link += code

    def _pieces(self, text: str) -> Iterator[nodes.Node]:
        end = 0
        for match in _IN_TEXT.finditer(text):
            link = self._link_of_text(match)
            if link is None:
                continue
            if match.start() > end:
                yield nodes.Text(text[end : match.start()])
            yield link
            end = match.end()
        if end < len(text) or end == 0:
            yield nodes.Text(text[end:])

    def _link_of_text(self, match: re.Match[str]) -> nodes.Node | None:
        if number := match["arxiv"]:
            address = f"https://arxiv.org/abs/{number}"
            return nodes.reference("", match[0], refuri=address, internal=False)
        document = document_of(match["page"], self.env.docname)
        if document is None or (document == self.env.docname and match["title"] is None):
            return None
        return _mention(self.env.docname, document, match["title"], nodes.inline("", match[0]))

    def _link_of_code(self, code: nodes.literal) -> nodes.Element | None:
        text = code.astext()
        here = self.env.docname
        if _WHOLE_PAGE.fullmatch(text) and (document := document_of(text, here)) and document != here:
            return _mention(here, document, None)
        if (match := _OPTION.fullmatch(text)) and match["option"] in options_of(match["group"]):
            return _mention(here, f"reference/config/{match['group']}", match["option"])
        if _NAME.fullmatch(text):
            name = re.sub(r"\(.*", "", text)
            return pending_xref("", refdoc=here, refdomain="py", reftype="obj", reftarget=name, refwarn=False)
        return None


def _mention(here: str, document: str, title: str | None, *children: nodes.Node) -> pending_xref:
    target = {"reftarget": document, "title": title}
    return pending_xref("", *children, refdoc=here, refdomain="", reftype="mention", refwarn=True, **target)


def _is_inside(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    return False


def anchor_of(env: BuildEnvironment, document: str, title: str) -> str | None:
    """Return the anchor of a section (`#…`, empty for the page's own title) by its title or how that begins."""
    words = " ".join(title.split())
    for entry in env.tocs[document].findall(nodes.reference):
        if " ".join(entry.astext().split()).startswith(words):
            return str(entry["anchorname"])
    return None


def resolve_mention(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, child: nodes.TextElement
) -> nodes.Element | None:
    """Make a reference of a mention, to a section where one is named."""
    if node["reftype"] != "mention":
        return None
    document, title, builder = node["reftarget"], node["title"], app.builder
    anchor = ""
    if title is not None:
        found = anchor_of(env, document, title)
        if found is None:
            LOGGER.warning('%s has no section "%s"', document, " ".join(title.split()), location=node)
        anchor = found or ""
    return _reference(builder, node["refdoc"], document, anchor.removeprefix("#"), child)


def _reference(builder: Builder, here: str, document: str, anchor: str, child: nodes.Element) -> nodes.Element:
    return make_refnode(builder, here, document, anchor or None, child)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform and what resolves its links."""
    app.add_transform(Mentions)
    app.connect("missing-reference", resolve_mention)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
