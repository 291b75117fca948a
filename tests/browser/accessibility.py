"""A page as axe-core sees it: contrast, names, roles, order of headings."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

_RUN = "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120)).slice(0, 3)])"


def violations(page: Page) -> list[Any]:
    """Return what axe-core (Deque Systems, MPL-2.0) finds wrong: its rules for WCAG 2.2 A and AA, and best practice."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate(_RUN)
    return found
