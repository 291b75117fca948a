"""Tables of a page that are wider than the page."""

from playwright.sync_api import Page

LANDSCAPE = {"width": 1017, "height": 688}
"""CSS pixels between the margins of a page of A4 on its long side; nothing is shrunk to fit."""
PORTRAIT = {"width": 688, "height": 1017}
"""The same upright."""

_WIDER = """() => [...document.querySelectorAll(".table-box")]
  .filter(box => box.scrollWidth > box.clientWidth)
  .map(box => `${box.getAttribute("aria-label").slice(0, 50)}: ${box.scrollWidth} in ${box.clientWidth}`)"""


def too_wide(page: Page) -> list[str]:
    """Return the tables of which something is out of sight, on the screen, or after `on_paper` in print."""
    found: list[str] = page.evaluate(_WIDER)
    return found


def on_paper(page: Page, size: dict[str, int] = LANDSCAPE) -> None:
    """Lay the page out as it is printed."""
    page.set_viewport_size(size)
    page.emulate_media(media="print")
