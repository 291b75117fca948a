"""The page of a search and its table on a terminal: what a reader meets first, and nothing that a name could break."""

import json
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.fake_searches import fake_search

from hepad.report.formatting import plain_text
from hepad.report.terminal import console_table
from hepad.searches.answer import answer
from hepad.searches.console import print_search, search_table
from hepad.searches.figures import search_figures
from hepad.searches.metrics import search_metrics
from hepad.searches.page import search_report, write_search_page
from hepad.searches.record import CutResult, MethodResult, SearchRecord, SignalModel, Window, WindowResult
from hepad.searches.record_file import read_record, write_record
from hepad.searches.tables import found_table, signal_table

BAD = "<b>../../evil</b>"


@pytest.fixture(scope="module")
def record() -> SearchRecord:
    """A search with one method of a name of its own, and one that has no result."""
    small = fake_search(0, n_windows=2, methods=("cathode",), efficiencies=(1.0, 0.01), null=False)
    method = replace(small.methods[0], method=BAD)
    return replace(small, methods=(method, MethodResult("anode", (), failure="its density diverged <i>.")))


@pytest.fixture(scope="module")
def directory(record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("search")
    write_search_page(place, record, note="Simulation")
    return place


def test_the_page_begins_with_the_answer(directory, record):
    page = (directory / "search.html").read_text()
    body = page[page.index("<body") :]
    first = answer(record)[0].replace("<", "&lt;").replace(">", "&gt;")
    assert body.index(first[:40]) < body.index("<nav")
    assert body.index("<nav") < body.index("<table")
    assert "What failed" in body
    assert "its density diverged &lt;i&gt;" in body
    assert BAD not in page


def test_every_figure_is_a_file_inside_plots(directory, record):
    drawn = [figure.name for figure in search_figures(record)]
    assert sorted(path.stem for path in (directory / "plots").iterdir()) == sorted(drawn)
    assert sorted(path.name for path in directory.iterdir()) == ["metrics.json", "plots", "search.html"]
    # No figure of the method without a result.
    assert not any("anode" in name for name in drawn)


def test_a_search_of_one_window_is_drawn_by_its_cuts():
    record = fake_search(0, n_windows=1, n_signal=200)
    figures = {figure.name: figure for figure in search_figures(record)}
    assert figures["scan"].figure.axes[0].get_xlabel() == "Background efficiency of the cut"
    labels = [label.get_text() for label in figures["limits"].figure.axes[0].get_xticklabels()]
    assert labels == ["no cut", "top 10%", "top 1%", "top 0.1%"]


@pytest.mark.parametrize("truth", [True, False])
def test_a_fitted_signal_stands_beside_the_found_entries_and_the_truth(tmp_path, truth):
    record = fake_search(0, n_windows=1, methods=("cathode",), n_signal=200)
    (window,) = record.methods[0].windows
    drawn = {name: tuple(map(float, window.found[name])) for name in (record.observable, *record.features)}
    signal = SignalModel(0.03, 0.01, drawn, drawn if truth else {})
    record = replace(record, methods=(replace(record.methods[0], windows=(replace(window, signal_model=signal),)),))
    write_record(tmp_path, record)
    assert read_record(tmp_path).methods == record.methods
    (figure,) = (figure for figure in search_figures(record) if figure.name == "signal_cathode")
    labels = figure.figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["Signal model", *(["True signal"] if truth else []), "Found"]
    table = signal_table(record, record.methods[0])
    assert list(table.header) == ["Feature", "Signal model", "Found", *(["True signal"] if truth else [])]
    assert "3% of the entries" in table.caption
    broken = replace(window, signal_model=replace(signal, fraction=2.0))
    with pytest.raises(ValueError, match=r"signal_model\.fraction=2"):
        write_record(tmp_path, replace(record, methods=(replace(record.methods[0], windows=(broken,)),)))


def test_pictures_of_an_earlier_page_are_gone(tmp_path):
    record = SearchRecord("m", "", (), (), ())
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/scan.png").write_bytes(b"old")
    (tmp_path / "plots/notes.txt").write_text("mine")
    write_search_page(tmp_path, record)
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["notes.txt"]
    assert "No result" in (tmp_path / "search.html").read_text()


def test_the_documented_lines_make_a_page(tmp_path, monkeypatch):
    cut = CutResult(0.1, 20, 9.0, 1.0, 2.9, 2e-3)
    method = MethodResult("cwola", (WindowResult("w0", (cut,)),))
    (tmp_path / "searches/mine").mkdir(parents=True)
    write_record(tmp_path / "searches/mine", SearchRecord("m", "", (), (Window("w0", 0, 1, ()),), (method,)))
    page = (Path(__file__).parents[3] / "docs/search_report.md").read_text()
    lines = page[page.index("    from pathlib") : page.index("## What is on the page")]
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(lines), {})
    assert (tmp_path / "searches/mine/search.html").is_file()
    assert {path.name for path in (tmp_path / "searches/mine/plots").iterdir()} == {"scan.png", "scan.pdf"}


def test_metrics_are_those_of_the_record(directory, record):
    assert json.loads((directory / "metrics.json").read_text()) == search_metrics(record)


def test_sections_come_in_the_order_of_what_is_asked():
    record = fake_search(0)
    figures = list(search_figures(record))
    report = search_report(record, figures, Path("plots"), "mine")
    titles = [section.title for section in report.sections]
    assert titles == [
        *("Spectra", "Scan", "Windows and cuts", "Limits", "Separation of signal", "Trust", "Found entries"),
        *("Null twin", "What failed", "Samples"),
    ]
    shown = [path for section in report.sections for _, path in section.figures]
    assert sorted(path.stem for path in shown) == sorted(figure.name for figure in figures)
    # The method that gives the answer comes first.
    assert figures[0].name.startswith("spectrum_cathode")


def test_a_blinded_search_shows_no_truth():
    record = fake_search(0, unblinded=False)
    report = search_report(record, list(search_figures(record)), Path("plots"), "mine")
    assert "Separation of signal" not in [section.title for section in report.sections]
    tables = [table for section in report.sections for table in section.tables]
    assert not any("Signal" in table.header for table in tables)


def test_found_entries_keep_their_numbers():
    record = fake_search(0)
    method = next(found for found in record.methods if found.method == "cathode")
    table = found_table(record, method)
    assert 0 < len(table.rows) <= 20
    events = [plain_text(row[table.header.index("event")]) for row in table.rows]
    found = next(window.found for window in method.windows if window.window == "w1")["event"]
    assert events == [str(event) for event in found[:20]]
    scores = [row[table.header.index("score")] for row in table.rows]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_the_table_on_a_terminal_fits_80_columns(seed):
    names = tuple(f"a_method_with_a_long_name_{i}" for i in range(3))
    record = fake_search(seed, methods=names)
    table = console_table(search_table(record), "Smallest local p-value")
    assert Console(width=1000).measure(table).maximum <= 80


def test_the_terminal_says_the_answer_and_where_the_page_is(capsys):
    record = fake_search(0, n_windows=2, methods=("cathode", "cwola"), efficiencies=(1.0, 0.01))
    print_search(record, Path("/somewhere/mine"))
    out = capsys.readouterr().out
    assert answer(record)[0] in out
    assert "/somewhere/mine/search.html" in out
    assert np.sum(["★" in line for line in out.splitlines()]) == 1
