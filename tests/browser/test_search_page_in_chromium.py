"""The page of a search as a reader meets it: the answer first, tables that sort, and a phone that it fits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import violations
from tests.browser.tables import table_named, too_wide
from tests.fake_searches import fake_search

from hepad.report import write_report
from hepad.searches.page import search_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def search_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page without pictures, of a search with a method that a stranger has named."""
    record = fake_search(0)
    named = replace(record.methods[1], method="<img src=x onerror=alert(1)>")
    record = replace(record, methods=(record.methods[0], named, record.methods[2]))
    return write_report(tmp_path_factory.mktemp("search") / "search.html", search_report(record, [], Path(), "mine"))


def test_the_answer_comes_first_and_names_are_text(open_file: Callable[..., Page], search_file: Path):
    page = open_file(search_file, viewport={"width": 1280, "height": 900})
    expect(page.locator("header .subtitle")).to_contain_text("An excess: the smallest local p-value is 3.1 × 10⁻⁸")
    expect(page.locator("img[src=x]")).to_have_count(0)
    assert too_wide(page) == []


def test_cuts_sort_by_their_p_value(open_file: Callable[..., Page], search_file: Path):
    page = open_file(search_file, viewport={"width": 1280, "height": 900})
    table = table_named(page, "cwola: windows and cuts")
    button = table.get_by_role("button", name="Local p")
    button.click()
    button.click()
    first = table.locator("tbody tr").first
    assert "★" in first.locator("td").first.inner_text()
    keys = [
        float(key)
        for key in table.locator("tbody td:nth-child(7)").evaluate_all("c => c.map(x => x.dataset.key)")
        if key
    ]
    assert keys == sorted(keys)


def test_it_fits_a_phone(open_file: Callable[..., Page], search_file: Path):
    page = open_file(search_file, viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.thorough
def test_axe_finds_nothing_on_the_dark_page(open_file: Callable[..., Page], search_file: Path):
    page = open_file(search_file, viewport={"width": 1280, "height": 900}, color_scheme="dark")
    assert "★" in page.locator("td.best").first.inner_text()
    assert violations(page) == []
