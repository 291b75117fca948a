"""Rounds, rows and their ratios."""

from types import SimpleNamespace

import pytest
from scripts.bench import training
from scripts.bench.rounds import rates, row_of, take_turns
from scripts.bench.table import number, text_table


def test_ways_take_turns_after_one_round_to_warm_up():
    called = []
    seconds = take_turns({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, rounds=2)
    assert called == ["b", "a", "a", "b", "b", "a"]
    assert {way: len(times) for way, times in seconds.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_the_median_of_the_ratios_of_each_round():
    # A neighbour makes the last round slow for both.
    seconds = {"hepad": [1.0, 2.0, 40.0], "bare": [0.5, 1.0, 10.0]}
    rows = {row.way: row for row in rates("case", "entries/s", {"hepad": 10, "bare": 10}, seconds, ("bare",))}
    assert rows["hepad"].value == 5.0
    assert (rows["hepad"].low, rows["hepad"].high, rows["hepad"].rounds) == (0.25, 10.0, 3)
    assert rows["hepad"].ratios == {"bare": pytest.approx(0.5)}
    assert rows["bare"].ratios == {}


def test_numbers_have_three_digits_that_count():
    assert number(12_345_678, "entries/s") == "12.3 M"
    assert number(12_345.6, "entries/s") == "12,346"
    assert number(0.012345, "s") == "0.0123"


def test_lines_of_a_table_are_even():
    rows = [row_of("a", "hepad", "s", [1.0, 2.0]).plain(), row_of("longer case", "bare", "s", [3.0]).plain()]
    lines = text_table(rows).splitlines()
    assert lines[0].split() == ["case", "way", "median", "unit", "smallest", "–", "largest"]
    assert lines[1].index("hepad") == lines[2].index("bare")
    assert text_table([]) == "(nothing measured)"


def test_files_of_a_training_are_due_by_its_own_time(monkeypatch):
    monkeypatch.setattr(training.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(training, "seconds_of", lambda call, device: 30.0)
    in_turn = training.InTurn({"bare loop": lambda: None, "Keras fit": lambda: None}, "cpu")
    in_turn.on_train_epoch_start(SimpleNamespace(current_epoch=0), None)
    assert in_turn.own_clock() == 940.0
