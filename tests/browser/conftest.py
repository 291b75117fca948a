"""A real Chromium that can reach nothing but the file it is shown."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--no-first-run",
    "--no-pings",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the system; without one these tests fail, because a test that is skipped checks nothing."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(
            f"no Chromium found (looked for {', '.join(_NAMES)}): install one, or leave these tests out with "
            "-m 'not browser'",
            pytrace=False,
        )
    # While playwright runs, this process has an event loop, which no test of a server may find: a module, no longer.
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=Path(found), args=list(_ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_file(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page from disk; at the end nothing may have been requested, refused or complained about."""
    contexts, complaints = [], []

    def open_with(path: Path, **options: object) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                complaints.append(f"request: {request.url[:80]}")
                if not request.url.startswith(("data:", path.as_uri()))
                else None
            ),
        )
        page.goto(path.as_uri())
        return page

    yield open_with
    for context in contexts:
        context.close()
    assert complaints == []
