"""The page of a comparison as a reader meets it: it opens, sorts, fits a phone, and shows wide pictures wide."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import violations
from tests.browser.tables import on_paper, table_named, too_wide
from tests.fake_runs import fake_scores, write_fake_run

from hepad.comparison import compare, write_comparison

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def comparison_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("comparison")
    for i in range(4):
        name = f"a_run_with_a_long_name_{i}"
        write_fake_run(directory / "runs" / name, fake_scores(i, 0.3 + i), (f"seed={i}",))
    failed = write_fake_run(directory / "runs/z", fake_scores(1, 1.0), status="failed", reason="<b>no</b>")
    (failed / "scores.h5").unlink()
    return write_comparison(compare([directory / "runs"]), directory)


@pytest.fixture
def open_comparison(open_file: Callable[..., Page], comparison_file: Path) -> Callable[..., Page]:
    return lambda **options: open_file(comparison_file, **options)


def cells(page: Page, caption: str, number: int) -> list[str]:
    table = table_named(page, caption)
    return table.locator(f"tbody tr td:nth-child({number})").all_text_contents()


def test_it_opens_with_the_best_run_first_and_sorts(open_comparison):
    page = open_comparison()
    expect(page).to_have_title("Comparison of 4 runs")
    names, means = (cells(page, "AUC against zero_bias with", number) for number in (1, 2))
    # Below the runs is what is no run: the spread between seeds, and trivial scores.
    assert [name.startswith("a_run") for name in names] == [True] * 4 + [False] * (len(names) - 4)
    assert {name for name, mean in zip(names[4:], means[4:], strict=True) if mean != "–"} == {"Best trivial score"}
    means = means[:4]
    assert means == sorted(means, reverse=True)
    table = table_named(page, "AUC against zero_bias minus")
    differences = cells(page, "AUC against zero_bias minus", 3)
    assert all(text.startswith(("+", "−")) and "(" in text for text in differences)
    table.get_by_role("button", name="ttbar").click()
    values = [float(text.split("(")[0].replace("−", "-")) for text in cells(page, "AUC against zero_bias minus", 3)]
    assert values == sorted(values, reverse=True)
    table.get_by_role("button", name="ttbar").click()
    values = [float(text.split("(")[0].replace("−", "-")) for text in cells(page, "AUC against zero_bias minus", 3)]
    assert values == sorted(values)


def test_what_is_left_out_is_told_as_text(open_comparison):
    page = open_comparison()
    expect(page.locator(".warnings")).to_contain_text("1 without scores left out")
    assert "<b>no</b>" in cells(page, "Runs without scores", 3)[0]


def test_a_wide_picture_has_the_page_s_width_and_enlarges(open_comparison):
    page = open_comparison(viewport={"width": 1280, "height": 900})
    wide, other = page.locator("figure.wide").first, page.locator("figure:not(.wide)").first
    assert wide.bounding_box()["width"] > 1.9 * other.bounding_box()["width"]
    wide.locator(".enlarge").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


def test_on_a_phone_captions_and_names_stay_in_sight(open_comparison):
    page = open_comparison(viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(".table-box").first
    box.evaluate("box => { box.scrollLeft = 200 }")
    caption, name = page.locator(".caption").first.bounding_box(), box.locator("tbody td").first.bounding_box()
    assert caption["x"] >= 0
    assert caption["x"] + caption["width"] <= 390
    assert 0 <= name["x"] < 30


def test_dark_pages_are_dark_also_under_the_names_that_stay(open_comparison):
    page = open_comparison(color_scheme="dark")
    style = "selector => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert page.evaluate(style, "body") == page.evaluate(style, "tbody td:first-child")
    assert page.evaluate(style, "body") != "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs with long names, five signals, and settings of which a sentence is made."""
    directory = tmp_path_factory.mktemp("large")
    samples = {"zero_bias": 0.0, "soft_qcd": 0.01, "jet_ht": 0.8, "ttbar": 1.2, "radion": 1.3, "wprime": 1.4}
    for i in range(12):
        words = (f"seed={i}", f"optimizer.lr={0.0012520653814999472 * (i + 1)}", f"model.hidden=[{i + 16},8]")
        write_fake_run(
            directory / "runs" / f"loss.weighted-model.denoising_ae-model.latent.16-seed.{i}",
            fake_scores(i, 0.3 + i / 10, 200, samples),
            (*words, f"trainer.gradient_clip_val={i + 1}.0", f"data.batch_size={128 + i}"),
            references=("zero_bias", "soft_qcd", "jet_ht"),
        )
    return write_comparison(compare([directory / "runs"]), directory)


def test_twelve_runs_fit_the_screen_and_the_paper(open_file, large_file, tmp_path):
    page = open_file(large_file, viewport={"width": 1280, "height": 900})
    assert too_wide(page) == []
    titles = table_named(page, "The runs in the order").locator("th")
    assert [text.split("[")[0].strip() for text in titles.all_text_contents()[1:6]] == [
        "Model",
        "Parameters",
        "Epochs",
        "Training",
        "Scoring",
    ]
    on_paper(page)
    assert too_wide(page) == []
    # The page asks for the long side itself.
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert b"/MediaBox [0 0 792 612]" in (tmp_path / "page.pdf").read_bytes()


def test_a_table_that_scrolls_says_so(open_comparison):
    page = open_comparison(viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True)
    cue = "block => getComputedStyle(block.querySelector('.caption'), '::after').content"
    assert "Scrolls sideways" in page.locator(".table-block").first.evaluate(cue)
    page.set_viewport_size({"width": 1600, "height": 800})
    expect(page.locator(".table-block.scrolls")).to_have_count(0)
    assert "Scrolls" not in page.locator(".table-block").first.evaluate(cue)


@pytest.mark.thorough
def test_axe_finds_nothing_on_the_dark_page(open_comparison):
    page = open_comparison(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    assert page.locator("td.best").count()
    assert violations(page) == []
