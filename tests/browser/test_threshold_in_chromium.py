"""The answer of a report and its threshold as a reader meets them: numbers, marks, keys, fingers, colours and names."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import violations
from tests.browser.tables import table_named

from hepad.metrics import ScoredSample

pytestmark = pytest.mark.browser

DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True}


_NUMBER = re.compile(r"\d\.\d+")

# Of each mark from the curve of its sample.
_DISTANCES = """picture => [...picture.querySelectorAll(".mark")].map(mark => {
  const curve = picture.querySelector(`.curve.${[...mark.classList].find(c => c.startsWith("sample"))}`);
  const ends = curve.getAttribute("d").slice(1).split("L").map(p => p.split(" ").map(Number));
  const [x, y] = ["cx", "cy"].map(name => Number(mark.getAttribute(name)));
  return Math.min(...ends.slice(1).map(([bx, by], k) => {
    const [ax, ay] = ends[k], [dx, dy] = [bx - ax, by - ay];
    const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
    return Math.hypot(x - ax - along * dx, y - ay - along * dy);
  }));
})"""


def accepted(page: Page) -> dict[str, tuple[int, int]]:
    """Sample → entries accepted, and all of them, as the page says."""
    rows = page.locator("table.accepted tbody tr").all()
    texts = [[cell.strip() for cell in row.locator("th, td").all_text_contents()] for row in rows]
    counts = {name: [int(n.replace("\u202f", "")) for n in told.split(" of ")] for name, told, *_ in texts}
    return {name: (few, many) for name, (few, many) in counts.items()}


def thresholds_of(samples: dict[str, ScoredSample]) -> list[float]:
    return sorted({float(score) for sample in samples.values() for score in sample.score})


def test_every_threshold_shows_the_true_numbers(
    open_report: Callable[..., Page], report_samples: dict[str, ScoredSample]
) -> None:
    page = open_report(**DESK)
    slider = page.get_by_role("slider", name="Threshold")
    scores = np.array(thresholds_of(report_samples))
    last, seen = int(slider.get_attribute("max") or 0), []
    for i in (0, 1, last // 3, last // 2, last - 5, last):
        slider.fill(str(i))
        found = accepted(page)
        told = page.locator("#threshold-says").text_content() or ""
        near = float(told.split("≥ ")[1].split(":")[0].rstrip("."))
        # The threshold is the score next to the number that is shown.
        cut = scores[np.abs(scores - near).argsort()[:3]]
        true = [{n: (int((s.score >= c).sum()), len(s)) for n, s in report_samples.items()} for c in cut]
        assert found in true
        seen.append(found)
    assert all(few == many for few, many in seen[0].values())
    assert [found["ttbar"] for found in seen] == sorted((found["ttbar"] for found in seen), reverse=True)


def test_the_threshold_starts_at_one_percent_and_moves_by_keys_and_mouse(open_report: Callable[..., Page]) -> None:
    page = open_report(**DESK)
    few, many = accepted(page)["zero_bias"]
    assert few / many == pytest.approx(0.01, abs=0.002)
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert accepted(page)["zero_bias"][0] < few
    expect(slider).to_have_attribute("aria-valuetext", page.locator("#threshold-says").text_content()[:-1])
    page.keyboard.press("End")
    expect(page.locator("#threshold-says")).to_contain_text("fewer than ten entries beyond the cut")
    expect(page.locator("table.accepted")).to_contain_text("(fewer than ten beyond the cut)")
    box = page.locator("svg.scores").bounding_box()
    page.locator("svg.scores").click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    middle = accepted(page)["zero_bias"][0]
    assert 10 < middle < many
    expect(page.locator("#threshold-says")).not_to_contain_text("fewer")


def test_marks_lie_where_the_numbers_say_on_either_axis_and_reference(open_report: Callable[..., Page]) -> None:
    page = open_report(**DESK)
    view = json.loads(page.locator("#thresholds").get_attribute("data-view"))
    left, top, right, bottom = view["box"]
    page.get_by_role("slider", name="Threshold").fill(str(len(view["x"]) // 2))
    for reference, logarithmic in (("zero_bias", True), ("zero_bias", False), ("jet_ht", False)):
        page.locator("#reference").select_option(label=reference)
        page.get_by_label("Logarithmic rate").set_checked(logarithmic)
        picture = page.locator("svg.roc:visible")
        assert picture.count() == 1
        assert (picture.get_attribute("aria-label") or "").startswith(f"ROC curves against {reference};")
        found = accepted(page)
        fpr = found[reference][0] / found[reference][1]
        along = 1 - np.log10(fpr) / np.log10(1 / found[reference][1]) if logarithmic else fpr
        roc = next(r for r in view["rocs"] if view["samples"][r["reference"]]["name"] == reference)
        for mark, signal in zip(picture.locator(".mark").all(), roc["signals"], strict=True):
            few, many = found[view["samples"][signal]["name"]]
            assert float(mark.get_attribute("cx")) == pytest.approx(left + along * (right - left), abs=0.1)
            assert float(mark.get_attribute("cy")) == pytest.approx(bottom - few / many * (bottom - top - 6), abs=0.1)


def test_a_mark_lies_on_its_curve(open_report: Callable[..., Page]) -> None:
    page = open_report(**DESK)
    slider = page.get_by_role("slider", name="Threshold")
    for i in range(20, int(slider.get_attribute("max")), 25):
        slider.fill(str(i))
        distances = page.locator("svg.roc:visible").evaluate(_DISTANCES)
        assert max(distances) < 3


def test_the_answer_comes_first_and_winners_are_marked(open_report: Callable[..., Page]) -> None:
    page = open_report(**DESK)
    answer = page.locator(".answer")
    assert answer.bounding_box()["y"] < 400
    expect(answer.locator(".headline")).to_contain_text("on all 2 signals, significantly")
    rows = table_named(page, "Area under").locator("tbody tr").all()
    for row in rows:
        numbers = [_NUMBER.findall(cell)[0] for cell in row.locator("td.number").all_text_contents()]
        competing = [float(number) for k, number in enumerate(numbers) if k != 2]
        best = [float(_NUMBER.findall(cell)[0]) for cell in row.locator("td.best").all_text_contents()]
        assert best
        assert set(best) == {max(competing)}
    style = "cell => getComputedStyle(cell)"
    assert rows[0].locator("td.best").first.evaluate(f"cell => ({style})(cell).fontWeight") == "700"


@pytest.mark.parametrize(
    "options",
    [{**DESK, "color_scheme": "light"}, {**DESK, "color_scheme": "dark"}, {**PHONE, "color_scheme": "dark"}],
    ids=["light", "dark", "dark phone"],
)
def test_axe_finds_nothing(open_report: Callable[..., Page], options: dict[str, object]) -> None:
    page = open_report(**options)
    for details in page.locator("details > summary").all():
        details.click()
    assert violations(page) == []


def contrast(first: str, second: str) -> float:
    """Contrast of two colours by WCAG 2.2, 1 to 21."""

    def light(color: str) -> float:
        parts = [int(value) / 255 for value in color.removeprefix("rgb(").rstrip(")").split(",")]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_are_seen_on_either_paper_and_on_print(open_report: Callable[..., Page], scheme: str) -> None:
    page = open_report(**DESK, color_scheme=scheme)
    inks = "() => [...document.querySelectorAll('svg.scores .curve')].map(path => getComputedStyle(path).stroke)"
    paper = "() => getComputedStyle(document.body).backgroundColor"
    on_screen = page.evaluate(inks)
    assert len(set(on_screen)) == 4
    assert min(contrast(ink, page.evaluate(paper)) for ink in on_screen) >= 3
    page.emulate_media(media="print")
    expect(page.locator(".controls")).to_be_hidden()
    expect(page.locator("svg.scores")).to_be_visible()
    assert min(contrast(ink, "rgb(255, 255, 255)") for ink in page.evaluate(inks)) >= 3
    assert page.locator(".enlarge img").first.evaluate("image => getComputedStyle(image).filter") == "none"


def test_a_phone_may_pinch_and_moves_a_large_picture(open_report: Callable[..., Page]) -> None:
    page = open_report(**PHONE)
    page.locator(".enlarge").first.click()
    box = page.locator("#viewer .large")
    assert box.evaluate("box => box.scrollWidth > 1.8 * box.clientWidth")
    page.locator("#viewer img").click()
    expect(page.locator("#viewer")).to_be_visible()
    # Nothing forbids two fingers, neither on the page nor on the picture; a browser without a screen has none.
    allowed = "node => getComputedStyle(node).touchAction"
    # That is pan-x pan-y pinch-zoom.
    assert box.evaluate(allowed) == "manipulation"
    assert page.locator("body").evaluate(allowed) == "auto"
    assert "scal" not in page.locator('meta[name="viewport"]').get_attribute("content").replace("initial-scale=1", "")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#viewer")).to_be_hidden()


def test_captions_are_wide_and_the_page_is_small(open_report: Callable[..., Page], report_file: Path) -> None:
    page = open_report(**DESK)
    text = page.locator("#summary").bounding_box()["width"]
    widths = page.eval_on_selector_all(".table-block > .caption", "all => all.map(one => one.clientWidth)")
    assert min(widths) > 0.9 * text
    assert report_file.stat().st_size < 5e6


def test_without_scripts_the_first_threshold_is_told(open_report: Callable[..., Page]) -> None:
    page = open_report(java_script_enabled=False)
    few, many = accepted(page)["zero_bias"]
    assert few / many == pytest.approx(0.01, abs=0.002)
    expect(page.locator("svg.roc:visible")).to_have_count(1)
    expect(page.locator(".controls")).to_be_hidden()
