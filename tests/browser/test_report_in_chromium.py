"""The report as a reader meets it: it opens, sorts, enlarges, fits a phone, goes dark and prints."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.browser.tables import PORTRAIT, on_paper, too_wide

from hepad.metrics import BASELINES, ScoredSample, evaluate
from hepad.plots import figure_bytes, standard_figures
from hepad.report import (
    Interval,
    Report,
    Section,
    Table,
    correlation_table,
    headline_table,
    working_point_table,
    write_report,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="session")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    samples = {
        name: ScoredSample(
            name,
            rng.lognormal(shift, 1, 3000),
            {"pt": rng.exponential(20, 3000), "eta": rng.normal(size=3000)},
            {b: rng.normal(shift / 2, 1, 3000) for b in BASELINES},
        )
        for name, shift in (("zero_bias", 0.0), ("jet_ht", 1.0), ("ttbar", 2.0), ("radion", 1.5))
    }
    evaluation = evaluate(samples, "zero_bias", ["zero_bias"])
    sections: dict[str, list[tuple[str, bytes]]] = {}
    for standard in standard_figures(evaluation, samples):
        sections.setdefault(standard.section, []).append((standard.caption, figure_bytes(standard.figure)))
    odd = Table(
        ["Name", "Value"],
        [["b", 10], ["<i>a</i>", 9.5], ["c", None], ["x10", -2.0], ["x9", Interval(1e-5, 0, 1e-4)]],
        "Mixed",
    )
    report = Report(
        title="dense_ae on jets",
        key_figures=[("AUC, ttbar", Interval(0.871, 0.869, 0.873)), ("Best epoch", 17)],
        summary=[headline_table(evaluation), working_point_table(evaluation), odd],
        sections=[Section(title, figures) for title, figures in sections.items()]
        + [Section("Numbers", tables=[correlation_table(evaluation)])],
        config="model: dense_ae\nlong: " + "x" * 300,
        provenance={"files": {"zero_bias": "sha256:" + "ab" * 32}},
        warnings=["A warning with a_very_long_name_" + "y" * 120],
    )
    return write_report(tmp_path_factory.mktemp("report") / "report.html", report)


@pytest.fixture
def open_report(open_file: Callable[..., Page], report_file: Path) -> Callable[..., Page]:
    """Opens the report."""
    return lambda **options: open_file(report_file, **options)


def column(page: Page, caption: str, number: int) -> list[str]:
    table = page.locator("table", has=page.locator("caption", has_text=caption))
    return table.locator(f"tbody tr td:nth-child({number})").all_text_contents()


def press_title(page: Page, caption: str, title: str) -> None:
    table = page.locator("table", has=page.locator("caption", has_text=caption))
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
    titles = page.locator("table", has=page.locator("caption", has_text="Mixed")).locator("th")
    expect(titles.nth(0)).to_have_attribute("aria-sort", "ascending")


def test_tables_sort_from_the_keyboard(open_report):
    page = open_report()
    button = page.locator("table").first.get_by_role("button", name="AUC", exact=True)
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
def test_it_follows_the_reader_s_colours_and_pictures_stay_on_white(open_report, scheme, is_dark):
    page = open_report(color_scheme=scheme)
    style = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    paper, ink = (luminance(page.evaluate(style, ["body", name])) for name in ("backgroundColor", "color"))
    assert (paper < ink) == is_dark
    assert abs(paper - ink) > 0.6
    assert page.evaluate(style, [".enlarge", "backgroundColor"]) == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_need_not_scroll_sideways(open_report, width):
    page = open_report(viewport={"width": width, "height": 800}, is_mobile=True, has_touch=True)
    for details in page.locator("details > summary").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("innerWidth") <= width
    # A wide table scrolls in its own box.
    box = page.locator(".table-box").first
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")


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
