"""A real Chromium that can reach nothing but the file it is shown."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

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
from hepad.results.answer import run_answer
from hepad.results.threshold_view import threshold_view

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
    # While playwright runs, its process has an event loop, that tests of servers must not find.
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


@pytest.fixture(scope="session")
def report_samples() -> dict[str, ScoredSample]:
    """Scores of four samples; a tenth of the background has a score of exactly 0."""
    rng = np.random.default_rng(0)
    return {
        name: ScoredSample(
            name,
            rng.lognormal(shift, 1, 3000) * (rng.random(3000) > 0.1 * (shift == 0)),
            {"pt": rng.exponential(20, 3000), "eta": rng.normal(size=3000)},
            {b: rng.normal(shift / 2, 1, 3000) for b in BASELINES},
        )
        for name, shift in (("zero_bias", 0.0), ("jet_ht", 1.0), ("ttbar", 2.0), ("radion", 1.5))
    }


@pytest.fixture(scope="session")
def report_file(report_samples: dict[str, ScoredSample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with everything that a run's has."""
    samples = report_samples
    evaluation = evaluate(samples, "zero_bias", ["zero_bias", "jet_ht"])
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
        answer=run_answer(evaluation),
        thresholds=threshold_view(evaluation),
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
