"""Examples of docs/statistics.md, as they stand there."""

import doctest
from pathlib import Path

from scripts import toy_coverage

from hepad.stats import FAMILIES

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"


def test_the_examples_of_the_page_run():
    found = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert found.attempted > 15
    assert found.failed == 0


def test_every_function_is_in_the_table_with_its_number_of_parameters():
    text = PAGE.read_text(encoding="utf-8")
    for key, family in FAMILIES.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
        numbers = f"{family.fewest} to {family.most}" if family.fewest < family.most else str(family.fewest)
        assert row.endswith(f"| {numbers} |")


def test_the_measurement_of_coverage_prints_each_way_and_the_pulls(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["toy_coverage", "--events", "300", "--experiments", "3", "--toys", "20"])
    toy_coverage.main()
    printed = capsys.readouterr().out
    assert printed.count("P(p<0.05)") == 6
    assert printed.count("WRONG") == 2
    assert "300 events" in printed.splitlines()[-1]
