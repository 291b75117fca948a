"""Tables of a page that are wider than the page."""

from playwright.sync_api import Locator, Page

LANDSCAPE = {"width": 1017, "height": 688}
"""CSS pixels between the margins of a page of A4 on its long side; nothing is shrunk to fit."""
PORTRAIT = {"width": 688, "height": 1017}
"""The same upright."""

_WIDER = """() => [...document.querySelectorAll(".table-box")]
  .filter(box => box.scrollWidth > box.clientWidth)
  .map(box => `${box.parentElement.textContent.trim().slice(0, 50)}: ${box.scrollWidth} in ${box.clientWidth}`)"""


def table_named(page: Page, caption: str) -> Locator:
    """Return the table with a caption, which stands above its box."""
    return page.locator(".table-block", has=page.locator(".caption", has_text=caption)).locator("table")


def too_wide(page: Page) -> list[str]:
    """Return the tables of which something is out of sight, on the screen, or after `on_paper` in print."""
    found: list[str] = page.evaluate(_WIDER)
    return found


def on_paper(page: Page, size: dict[str, int] = LANDSCAPE) -> None:
    """Lay the page out as it is printed."""
    page.set_viewport_size(size)
    page.emulate_media(media="print")
