"""The report as a reader meets it: it opens, sorts, enlarges, fits a phone, goes dark and prints."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.tables import PORTRAIT, on_paper, table_named, too_wide

pytestmark = pytest.mark.browser


def column(page: Page, caption: str, number: int) -> list[str]:
    table = table_named(page, caption)
    return table.locator(f"tbody tr td:nth-child({number})").all_text_contents()


def press_title(page: Page, caption: str, title: str) -> None:
    table = table_named(page, caption)
    table.get_by_role("button", name=title).click()


def test_it_opens_with_all_pictures(open_report):
    page = open_report()
    expect(page).to_have_title("dense_ae on jets")
    widths = page.eval_on_selector_all(".enlarge img", "images => images.map(image => image.naturalWidth)")
    assert len(widths) >= 7
    assert min(widths) >= 600


def test_numbers_sort_as_numbers_and_unknown_ones_come_last(open_report):
    page = open_report()
    press_title(page, "Mixed", "Value")
    assert column(page, "Mixed", 1) == ["b", "<i>a</i>", "x9", "x10", "c"]
    press_title(page, "Mixed", "Value")
    assert column(page, "Mixed", 1) == ["x10", "x9", "<i>a</i>", "b", "c"]


def test_names_sort_as_names(open_report):
    page = open_report()
    press_title(page, "Mixed", "Name")
    assert column(page, "Mixed", 1) == ["<i>a</i>", "b", "c", "x9", "x10"]
    titles = table_named(page, "Mixed").locator("th")
    expect(titles.nth(0)).to_have_attribute("aria-sort", "ascending")


def test_tables_sort_from_the_keyboard(open_report):
    page = open_report()
    button = table_named(page, "Area under").get_by_role("button", name="AUC", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    areas = [float(text.split("(")[0]) for text in column(page, "Area under", 3)]
    assert areas == sorted(areas, reverse=True)
    page.keyboard.press("Space")
    assert [float(text.split("(")[0]) for text in column(page, "Area under", 3)] == sorted(areas)


def test_a_picture_enlarges_and_escape_closes_it(open_report):
    page = open_report(viewport={"width": 1280, "height": 900})
    picture, viewer = page.locator(".enlarge").nth(2), page.locator("#viewer")
    expect(viewer).to_be_hidden()
    small = picture.locator("img").bounding_box()
    picture.click()
    expect(viewer).to_be_visible()
    large = viewer.locator("img").bounding_box()
    assert large["width"] > 1.5 * small["width"]
    assert large["y"] + large["height"] <= 900
    expect(viewer.locator("p")).to_have_text(picture.locator("img").get_attribute("alt"))
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(picture).to_be_focused()


def test_a_picture_enlarges_from_the_keyboard_and_a_click_closes_it(open_report):
    page = open_report()
    page.locator(".enlarge").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    page.locator("#viewer img").click()
    expect(page.locator("#viewer")).to_be_hidden()


def test_config_and_provenance_fold_out(open_report):
    page = open_report()
    text = page.locator("#config pre")
    expect(text).to_be_hidden()
    page.locator("#config summary").click()
    expect(text).to_be_visible()


def luminance(color: str) -> float:
    red, green, blue = (int(value) for value in color.removeprefix("rgb(").rstrip(")").split(","))
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_it_follows_the_reader_s_colours_and_so_do_pictures(open_report, scheme, is_dark):
    page = open_report(color_scheme=scheme)
    style = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    paper, ink = (luminance(page.evaluate(style, ["body", name])) for name in ("backgroundColor", "color"))
    assert (paper < ink) == is_dark
    assert abs(paper - ink) > 0.6
    # Light and dark change places, and what was white lets the paper through.
    assert ("invert(1)" in page.evaluate(style, [".enlarge img", "filter"])) == is_dark
    button = luminance(page.evaluate(style, [".enlarge", "backgroundColor"]))
    assert abs(button - paper) < 0.1


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_need_not_scroll_sideways(open_report, width):
    page = open_report(viewport={"width": width, "height": 800}, is_mobile=True, has_touch=True)
    for details in page.locator("details > summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("innerWidth") <= width
    # A wide table scrolls in its own box.
    table = table_named(page, "Area under")
    assert table.evaluate("table => table.parentElement.scrollWidth > table.parentElement.clientWidth")


def test_without_scripts_everything_can_still_be_read(open_report):
    page = open_report(java_script_enabled=False)
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    assert len(column(page, "Mixed", 1)) == 5
    page.locator("#config summary").click()
    expect(page.locator("#config pre")).to_be_visible()


def test_nothing_of_a_table_is_out_of_sight_on_a_desk_or_on_paper(open_report):
    page = open_report(viewport={"width": 1280, "height": 900})
    assert too_wide(page) == []
    on_paper(page, PORTRAIT)
    assert too_wide(page) == []


def test_it_prints(open_report, tmp_path):
    page = open_report()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    # Paper has no scroll bars: nothing sticks, nothing is cut, and a table's head stands where it belongs.
    style = "selector => getComputedStyle(document.querySelector(selector))"
    assert page.evaluate(f"({style})('thead').display") == "table-row-group"
    assert page.evaluate(f"({style})('td').position") == "static"
    assert page.evaluate(f"({style})('.table-box').overflowX") == "visible"
