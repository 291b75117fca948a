"""Tables on a terminal: the cells of a page, all of them and whole."""

import re
import sys

import pytest

from hepad.report import Interval, Link, Named, Setting, Table
from hepad.report.terminal import console_table, print_to_terminal

TABLE = Table(
    ["Run", "optimizer.lr", "ttbar"],
    [
        [Link("[red]a", "a/report.html"), Setting("0.0012520653814999472"), Interval(0.83, 0.828, 0.832, "*")],
        ["b", Setting("1e-3"), Interval(0.82, 0.818, 0.822)],
        ["best trivial score", None, Named(0.81, "Σ pT")],
    ],
    "A caption.",
)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_to_terminal([console_table(TABLE, "AUC [68%]", runs=2)], [("refused", "x: [no]"), ("interrupted", "y")])
    return capsys.readouterr().out.splitlines()


def test_cells_are_those_of_a_page_without_its_markup(lines):
    text = "\n".join(lines)
    assert lines[0].rstrip() == "AUC [68%]"
    for shown in ("[red]a", "0.001252", "0.8300(20) *", "Σ pT 0.8100"):
        assert shown in text
    assert "A caption." not in text
    assert "–" not in text


def test_a_line_stands_between_runs_and_what_is_no_run(lines):
    rows = [i for i, line in enumerate(lines) if any(name in line for name in ("[red]a", "│ b", "best trivial"))]
    assert rows[1] == rows[0] + 1
    assert rows[2] == rows[1] + 2


def test_a_word_longer_than_its_column_keeps_a_blank_behind_it(lines):
    assert lines[-2:] == ["refused x: [no]", "interrupted y"]


def test_nothing_is_cut_however_wide_the_table(capsys):
    names = [f"a_very_long_name_of_a_signal_{i}" for i in range(12)]
    print_to_terminal([console_table(Table(names, [["x" * 40] * 12]), "")], [("note", "y" * 2000)])
    told = capsys.readouterr().out
    assert all(name in told for name in names)
    assert "…" not in told
    assert f"note    {'y' * 2000}" in told.splitlines()


@pytest.mark.parametrize("width", [40, 70, 200])
def test_on_a_terminal_cells_wrap_between_words_and_numbers_stay_whole(capsys, monkeypatch, width):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [["a_run", Interval(0.83, 0.828, 0.832), "1 of 3 (0)"], ["trivial", Named(0.81, "isolation forest"), None]]
    print_to_terminal([console_table(Table(["Run", "ttbar", "Better than trivial"], rows), "")], [])
    told = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    for whole in ("a_run", "0.8300(20)", "0.8100", "isolation", "forest", "trivial"):
        assert whole in told
    assert max(map(len, told.splitlines())) <= max(width, 46)


def shown_at(width, table, capsys, monkeypatch, lines=()):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(width))
    print_to_terminal([console_table(table, "A title", runs=2)], lines)
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)


def test_a_table_wider_than_the_terminal_goes_on_below_with_what_names_its_rows(capsys, monkeypatch):
    names = [f"signal_number_{i}" for i in range(9)]
    rows = [
        [str(r), f"run_{r}", *(Interval(0.8 + i / 100, 0.79 + i / 100, 0.81 + i / 100) for i in range(9))]
        for r in (1, 2)
    ]
    rows.append(["", "best trivial score", *(Named(0.5, "isolation forest") for _ in names)])
    told = shown_at(80, Table(["", "Run", *names], rows), capsys, monkeypatch)
    assert max(map(len, told.splitlines())) <= 80
    heads = [line for line in told.splitlines() if "signal_number" in line]
    assert [name for line in heads for name in re.findall(r"signal_number_\d", line)] == names
    assert len(heads) > 1
    # Each part names the runs once more, and each number is whole and beside its run.
    assert told.count("run_1") == told.count("run_2") == told.count("best trivial score") == len(heads)
    numbers = [n for line in told.splitlines() if "run_1" in line for n in re.findall(r"0\.8\d+\(\d+\)", line)]
    assert numbers == [f"0.8{i}0(10)" for i in range(9)]
    assert told.count("A title") == 1


def test_sentences_wrap_between_words_and_what_is_copied_stays_in_one_line(capsys, monkeypatch):
    sentence, command = "a sentence of words " * 9, "python -m hepad.compare" + " runs/a" * 20
    lines = [("verdict", sentence), ("compare", command)]
    told = shown_at(80, Table(["Run"], [["a"]]), capsys, monkeypatch, lines).splitlines()
    assert [line for line in told if line.startswith("compare")] == [f"compare {command}"]
    said = told[[line.startswith("verdict") for line in told].index(True) : -1]
    assert len(said) > 1
    assert all(len(line) <= 80 for line in said)
    assert "".join(said).split() == ["verdict", *sentence.split()]
