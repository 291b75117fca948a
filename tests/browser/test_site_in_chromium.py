"""The built site as axe-core sees it: pages of every kind, light and dark, on a desk and on a phone."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from scripts.site.places import ROOT, SITE
from tests.browser.accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

PAGES = (
    "index.html",
    "tutorials/dijet_search.html",
    "reference/api/hepad.metrics.html",
    "reference/config/model.html",
)
WIDTHS = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module", autouse=True)
def site() -> None:
    """The site as it is built now; only pages whose sources have changed are written anew."""
    built = subprocess.run([sys.executable, "-m", "scripts.site"], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr


@pytest.fixture(params=WIDTHS)
def shown(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of the site, which may load its own files and nothing else."""
    with browser.new_context(viewport=WIDTHS[request.param]) as context:
        page, asked = context.new_page(), []
        page.on("request", lambda made: asked.append(made.url) if not made.url.startswith(("file:", "data:")) else None)
        yield page
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_page_of_the_site(shown: Page, name: str, color_scheme: str):
    shown.emulate_media(color_scheme=color_scheme)
    shown.goto((SITE / name).as_uri())
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if color_scheme == "light" else "rgb(19, 20, 22)"
    )
    assert violations(shown) == []
