"""The page of a sweep as a reader meets it: nothing out of sight, and true words about what did not finish."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from tests.browser.accessibility import violations
from tests.browser.tables import on_paper, too_wide

from hepad.comparison.rows import Row
from hepad.pipeline.sweep_page import sweep_report
from hepad.pipeline.sweep_record import SweepRecord
from hepad.pipeline.sweep_table import make_table, seed_means
from hepad.report import write_report

pytestmark = pytest.mark.browser

SIGNALS = ("soft_qcd", "jet_ht", "ttbar", "radion", "wprime")


def finished(directory: Path, model: str, loss: str, seed: int) -> Row:
    name = f"loss.{loss}-model.{model}-seed.{seed}"
    (directory / name).mkdir(parents=True)
    for file in ("report.html", "config.yaml"):
        (directory / name / file).touch()
    metrics = {"val/mae": 0.8 + seed / 100, "val/loss": 1.1 + seed / 50}
    for i, signal in enumerate(SIGNALS):
        area = 0.85 + i / 100 + seed / 1000
        pair = f"test/auc/{signal}_vs_zero_bias"
        metrics |= {pair: area, f"{pair}/low": area - 0.0081, f"{pair}/high": area + 0.0077}
    settings = {"model": model, "loss": loss, "seed": str(seed), "optimizer.lr": "0.0012520653814999472"}
    return Row(name, settings, "finished", "", directory / name, metrics, 12.3, 12345, 20, 17, "zero_bias")


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sweep")
    results = [
        finished(directory, model, loss, seed)
        for model in ("denoising_ae", "vae")
        for loss in ("weighted", "huber")
        for seed in (1, 2, 3)
    ]
    settings = {"model": "vae", "loss": "mse", "seed": "9", "optimizer.lr": "1e30"}
    results.append(Row("a_failed_one", settings, "failed", "RuntimeError: no finite loss " + "and more " * 20))
    results.append(Row("a_refused_one", settings, "refused", "there is a run of another config"))
    table = make_table(results, ["model", "loss", "seed", "optimizer.lr"], "val/mae", "minimize")
    session = SimpleNamespace(record=SweepRecord("twelve"), constant=["data.limit=3000"], directory=directory)
    return write_report(directory / "sweep.html", sweep_report(session, table, seed_means(table), ["A note."]))


@pytest.fixture
def open_sweep(open_file: Callable[..., Page], sweep_file: Path) -> Callable[..., Page]:
    return lambda **options: open_file(sweep_file, **options)


def test_every_column_is_on_the_screen_and_on_paper(open_sweep):
    page = open_sweep(viewport={"width": 1280, "height": 900})
    assert too_wide(page) == []
    on_paper(page)
    assert too_wide(page) == []


def test_a_row_says_first_how_its_run_ended_and_numbers_are_short(open_sweep):
    page = open_sweep()
    rows = page.locator("table").first.locator("tbody tr")
    assert rows.first.locator("td").all_text_contents()[:6] == [
        "1",
        "finished",
        "denoising_ae",
        "weighted",
        "1",
        "0.001252",
    ]
    expect(rows.first).to_contain_text("0.8510(79)")
    assert rows.last.locator("td").nth(1).text_content() in ("failed", "refused")
    expect(rows.first.get_by_role("link")).to_have_attribute(
        "href", "loss.weighted-model.denoising_ae-seed.1/report.html"
    )


def test_refused_jobs_are_not_said_to_be_resumed(open_sweep):
    page = open_sweep()
    expect(page.get_by_role("region", name="same command again resumes")).to_contain_text("a_failed_one")
    expect(page.get_by_role("region", name="same command again resumes")).not_to_contain_text("a_refused_one")
    expect(page.get_by_role("region", name="again refuses them too")).to_contain_text("a_refused_one")
    expect(page.locator("main")).to_contain_text("python -m hepad.compare")


@pytest.mark.thorough
def test_axe_finds_nothing_on_the_dark_page(open_sweep):
    page = open_sweep(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    assert page.locator("td.best").count()
    assert violations(page) == []
